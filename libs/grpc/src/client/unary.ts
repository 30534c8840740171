import { serialize } from '../definition.ts';
import { fromServiceError } from '../errors.ts';
import { cancelWith, deadlineOf, metadataOf, type CallOptions, type Reached } from './call.ts';

/** Calls a unary method; throws a CallError with the reason that the service gave. */
export const callUnary = async (reached: Reached, request: object, call: CallOptions): Promise<unknown> => {
  const { client, path, method } = reached;
  const metadata = await metadataOf(reached, call);
  return new Promise((resolve, reject) => {
    let release = (): void => {};
    const started = client.makeUnaryRequest(
      path,
      (message: object) => serialize(method.requestType, message),
      (bytes) => method.responseType.decode(bytes),
      method.requestType.fromPartial(request),
      metadata,
      { deadline: deadlineOf(call, reached.deadlineMs) },
      (error, value) => {
        release();
        if (error) reject(fromServiceError(error));
        else resolve(value);
      },
    );
    release = cancelWith(started, [call.parent?.signal, call.signal]);
  });
};
