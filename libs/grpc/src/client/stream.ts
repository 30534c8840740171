import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import { serialize } from '../definition.ts';
import { fromServiceError } from '../errors.ts';
import { cancelWith, deadlineOf, metadataOf, type CallOptions, type Reached } from './call.ts';

const STREAM_DEADLINE_MS = 3_600_000;

/** Calls a method that streams; leaving the loop cancels the call. */
export async function* callStream(reached: Reached, request: object, call: CallOptions): AsyncIterable<unknown> {
  const { client, path, method } = reached;
  const metadata = await metadataOf(reached, call);
  const started: ClientReadableStream<unknown> = client.makeServerStreamRequest(
    path,
    (message: object) => serialize(method.requestType, message),
    (bytes) => method.responseType.decode(bytes),
    method.requestType.fromPartial(request),
    metadata,
    { deadline: deadlineOf(call, STREAM_DEADLINE_MS) },
  );
  const release = cancelWith(started, [call.parent?.signal, call.signal]);
  try {
    yield* started;
  } catch (error) {
    throw fromServiceError(error as ServiceError);
  } finally {
    release();
    started.cancel();
  }
}
