import type { CallContext } from '../context.ts';
import { fail } from '../errors.ts';

/** How many calls of a service run at once, unary ones and streams apart; more are refused. */
export type Admission = { maxUnary: number; maxStreams: number; draining: () => boolean };

const RETRY_DELAY_MS = 250;

/** Refuses calls over the cap, and all calls while the service drains, before they cost anything. */
export const admission = (limits: Admission) => {
  const inFlight = { unary: 0, stream: 0 };
  return async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    const kind = ctx.method.streaming ? 'stream' : 'unary';
    if (limits.draining()) throw fail('DRAINING', {}, { retryDelayMs: RETRY_DELAY_MS });
    if (inFlight[kind] >= (kind === 'unary' ? limits.maxUnary : limits.maxStreams))
      throw fail('OVERLOADED', {}, { retryDelayMs: RETRY_DELAY_MS });
    inFlight[kind] += 1;
    try {
      return await next();
    } finally {
      inFlight[kind] -= 1;
    }
  };
};
