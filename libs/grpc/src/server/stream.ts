// Server streams: one request, many messages, sent no faster than the client reads.
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { nowMs } from '@lethe/contracts/clock';
import { once } from 'node:events';
import { compose } from '../chain.ts';
import type { CallContext } from '../context.ts';
import { serialize, type AnyMethod } from '../definition.ts';
import { AppError, fail, type MappedStatus } from '../errors.ts';
import { callHandler, contextOf, toServiceError, type Served } from './call.ts';

// As long as cached rights live: a right that is gone ends the stream within two of these.
const JUDGE_EVERY_MS = 5_000;

// A UserManager that is away says nothing about the caller, but not for long.
const UNJUDGED_MS = 30_000;

/** Whether the credential of the call has come to its end, which nobody needs to be asked for. */
const isOver = ({ user }: CallContext): boolean => user?.expireTimeMs !== undefined && user.expireTimeMs <= nowMs();

/** Ends the stream with the reason when its caller may not see it any more, or when for long nobody could say. */
const watchRights = (ctx: CallContext): (() => void) => {
  let judgedMs = performance.now();
  const judge = async (): Promise<void> => {
    if (isOver(ctx)) throw fail('UNAUTHENTICATED', {}, { message: 'the credential has ended' });
    try {
      await ctx.authorizeAgain?.();
      judgedMs = performance.now();
    } catch (error) {
      const isAway = error instanceof AppError && error.reason === 'DEPENDENCY_UNAVAILABLE';
      if (!isAway || performance.now() - judgedMs > UNJUDGED_MS) throw error;
    }
  };
  const timer = setInterval(() => {
    judge().catch((error: unknown) => {
      if (error instanceof AppError) ctx.cancel.abort(error);
    });
  }, JUDGE_EVERY_MS);
  return () => clearInterval(timer);
};

const pump = async (
  messages: AsyncIterable<unknown>,
  method: AnyMethod,
  call: ServerWritableStream<Buffer, Buffer>,
  ctx: CallContext,
): Promise<void> => {
  const release = watchRights(ctx);
  try {
    for await (const message of messages) {
      await ctx.beforeFirstMessage?.();
      ctx.beforeFirstMessage = undefined;
      if (ctx.signal.aborted) return;
      if (!call.write(serialize(method.responseType, message))) await once(call, 'drain', { signal: ctx.signal });
    }
  } finally {
    release();
  }
};

/** Serves a method that streams its responses. */
export const stream =
  (served: Served): handleServerStreamingCall<Buffer, Buffer> =>
  (call) => {
    const run = compose(served.middleware, (ctx) => pump(callHandler(served, ctx) as AsyncIterable<unknown>, served.method, call, ctx));
    void run(contextOf(served, call)).then(
      () => call.end(),
      (error: MappedStatus) => call.emit('error', toServiceError(error)),
    );
  };
