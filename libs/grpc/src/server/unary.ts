// Unary calls: one request, one response.
import type { handleUnaryCall, sendUnaryData } from '@grpc/grpc-js';
import { compose } from '../chain.ts';
import { serialize } from '../definition.ts';
import type { MappedStatus } from '../errors.ts';
import { callHandler, contextOf, toServiceError, type Served } from './call.ts';

/** Serves a unary method. */
export const unary = (served: Served): handleUnaryCall<Buffer, Buffer> => {
  const run = compose(served.middleware, async (ctx) => callHandler(served, ctx));
  return (call, callback: sendUnaryData<Buffer>) => {
    const respond = async (): Promise<void> => {
      try {
        callback(null, serialize(served.method.responseType, await run(contextOf(served, call))));
      } catch (error) {
        callback(toServiceError(error as MappedStatus));
      }
    };
    void respond();
  };
};
