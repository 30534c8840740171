import { status as Status } from '@grpc/grpc-js';
import type { CallContext } from '../context.ts';
import type { MappedStatus } from '../errors.ts';

const actor = (ctx: CallContext): string => {
  if (ctx.principal.kind === 'user') return ctx.principal.userId;
  return ctx.principal.kind === 'service' ? ctx.principal.service : '';
};

/** One line a call: method, code, reason, duration, actor. Never a value of the request or the response. */
export const log = async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
  const line = (code: string, reason: string): void => {
    ctx.log.info({ method: ctx.method.fullName, code, reason, durationMs: ctx.elapsedMs(), actor: actor(ctx) }, 'call');
  };
  try {
    const response = await next();
    line('OK', '');
    return response;
  } catch (error) {
    const mapped = error as MappedStatus;
    line(Status[mapped.code], mapped.reason);
    throw error;
  }
};
