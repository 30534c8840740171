import type { CallContext } from '../context.ts';
import { fail } from '../errors.ts';

/** Caps the caller's deadline at the method's own, and returns when it passes or the caller gives up, whatever the handler is doing. */
export const deadline = async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
  ctx.deadlineMs = Math.min(ctx.deadlineMs, ctx.startTimeMs + ctx.method.policy.maxDeadlineMs);
  const timer = setTimeout(() => ctx.cancel.abort(fail('DEADLINE_EXCEEDED')), Math.max(0, ctx.deadlineMs - Date.now()));
  const given = Promise.withResolvers<never>();
  const giveUp = (): void => given.reject(ctx.signal.reason ?? fail('CANCELLED'));
  if (ctx.signal.aborted) giveUp();
  ctx.signal.addEventListener('abort', giveUp, { once: true });
  try {
    return await Promise.race([next(), given.promise]);
  } finally {
    clearTimeout(timer);
    ctx.signal.removeEventListener('abort', giveUp);
  }
};
