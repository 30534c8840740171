import type { CallContext } from '../context.ts';
import { fail } from '../errors.ts';

/** How many calls of a service run at once, unary ones and streams apart, and with how many bytes of requests; more are refused. */
export type Admission = { maxUnary: number; maxStreams: number; maxBytes: number; draining: () => boolean };

const RETRY_DELAY_MS = 250;

/** Refuses calls over the cap, and all calls while the service drains, before they cost anything. */
export const admission = (limits: Admission) => {
  const inFlight = { unary: 0, stream: 0, bytes: 0 };
  return async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    const kind = ctx.method.streaming ? 'stream' : 'unary';
    if (limits.draining()) throw fail('DRAINING', {}, { retryDelayMs: RETRY_DELAY_MS });
    const { length } = ctx.requestBytes;
    if (inFlight[kind] >= (kind === 'unary' ? limits.maxUnary : limits.maxStreams) || inFlight.bytes + length > limits.maxBytes)
      throw fail('OVERLOADED', {}, { retryDelayMs: RETRY_DELAY_MS });
    inFlight[kind] += 1;
    inFlight.bytes += length;
    try {
      return await next();
    } finally {
      inFlight[kind] -= 1;
      inFlight.bytes -= length;
    }
  };
};
