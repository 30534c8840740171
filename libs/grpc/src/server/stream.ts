// Server streams: one request, many messages, sent no faster than the client reads.
import type { handleServerStreamingCall, ServerWritableStream } from '@grpc/grpc-js';
import { once } from 'node:events';
import { compose } from '../chain.ts';
import type { CallContext } from '../context.ts';
import { serialize, type AnyMethod } from '../definition.ts';
import type { MappedStatus } from '../errors.ts';
import { callHandler, contextOf, toServiceError, type Served } from './call.ts';

const pump = async (
  messages: AsyncIterable<unknown>,
  method: AnyMethod,
  call: ServerWritableStream<Buffer, Buffer>,
  ctx: CallContext,
): Promise<void> => {
  for await (const message of messages) {
    await ctx.beforeFirstMessage?.();
    ctx.beforeFirstMessage = undefined;
    if (ctx.signal.aborted) return;
    if (!call.write(serialize(method.responseType, message))) await once(call, 'drain', { signal: ctx.signal });
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
