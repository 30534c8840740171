// Typed promise clients from the same definitions: a deadline always, trace and cancellation passed on, errors decoded.
import { Client, credentials, Metadata, type ChannelCredentials, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import type { CallContext } from './context.ts';
import { fromServiceError } from './errors.ts';

type Request<M> = M extends { requestDeserialize: (bytes: Buffer) => infer R } ? R : never;
type Response<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;

/** Options of one call. `parent` passes on its deadline, its cancellation and its trace. */
export type CallOptions = {
  parent?: CallContext;
  deadlineMs?: number;
  signal?: AbortSignal;
  token?: string;
  metadata?: Record<string, string>;
};

/** A client of a service; absent request fields have their default. */
export type ServiceClient<D> = {
  [K in keyof D]: D[K] extends { responseStream: true }
    ? (request: Partial<Request<D[K]>>, options?: CallOptions) => AsyncIterable<Response<D[K]>>
    : (request: Partial<Request<D[K]>>, options?: CallOptions) => Promise<Response<D[K]>>;
} & { close: () => void };

/** How a client reaches its service. `token` is asked for every call that brings none. */
export type ClientOptions = {
  address: string;
  token?: (call: CallOptions) => Promise<string> | string;
  channelCredentials?: ChannelCredentials;
  deadlineMs?: number;
};

type AnyMethod = {
  path: string;
  responseStream: boolean;
  requestSerialize: (value: unknown) => Buffer;
  requestDeserialize: (bytes: Buffer) => object;
  responseDeserialize: (bytes: Buffer) => unknown;
};

const DEFAULT_DEADLINE_MS = 5_000;
const STREAM_DEADLINE_MS = 3_600_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

const metadataOf = async (options: ClientOptions, call: CallOptions): Promise<Metadata> => {
  const metadata = new Metadata();
  const token = call.token ?? (await options.token?.(call));
  if (token !== undefined && token !== '') metadata.set('authorization', `Bearer ${token}`);
  if (call.parent) metadata.set('traceparent', call.parent.traceparent);
  for (const [key, value] of Object.entries(call.metadata ?? {})) metadata.set(key, value);
  return metadata;
};

const deadlineOf = (call: CallOptions, fallbackMs: number): Date => {
  const own = Date.now() + (call.deadlineMs ?? fallbackMs);
  return new Date(call.parent ? Math.min(own, call.parent.deadlineMs) : own);
};

const follow = (call: { cancel: () => void }, signals: (AbortSignal | undefined)[]): (() => void) => {
  const cancel = (): void => call.cancel();
  for (const signal of signals) {
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel, { once: true });
  }
  return () => signals.forEach((signal) => signal?.removeEventListener('abort', cancel));
};

const callUnary = async (
  client: Client,
  method: AnyMethod,
  options: ClientOptions,
  request: object,
  call: CallOptions,
): Promise<unknown> => {
  const metadata = await metadataOf(options, call);
  const message = { ...method.requestDeserialize(Buffer.alloc(0)), ...request };
  return new Promise((resolve, reject) => {
    let release = (): void => {};
    const started = client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      message,
      metadata,
      { deadline: deadlineOf(call, options.deadlineMs ?? DEFAULT_DEADLINE_MS) },
      (error, value) => {
        release();
        if (error) reject(fromServiceError(error));
        else resolve(value);
      },
    );
    release = follow(started, [call.parent?.signal, call.signal]);
  });
};

async function* callStream(
  client: Client,
  method: AnyMethod,
  options: ClientOptions,
  request: object,
  call: CallOptions,
): AsyncIterable<unknown> {
  const metadata = await metadataOf(options, call);
  const message = { ...method.requestDeserialize(Buffer.alloc(0)), ...request };
  const started: ClientReadableStream<unknown> = client.makeServerStreamRequest(
    method.path,
    method.requestSerialize,
    method.responseDeserialize,
    message,
    metadata,
    {
      deadline: deadlineOf(call, STREAM_DEADLINE_MS),
    },
  );
  const release = follow(started, [call.parent?.signal, call.signal]);
  try {
    yield* started;
  } catch (error) {
    throw fromServiceError(error as ServiceError);
  } finally {
    release();
    started.cancel();
  }
}

/** Makes a client. It connects at the first call and reconnects by itself. */
export const createClient = <D extends Record<string, unknown>>(definition: D, options: ClientOptions): ServiceClient<D> => {
  const client = new Client(options.address, options.channelCredentials ?? credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });
  const methods = Object.entries(definition as Record<string, AnyMethod>).map(([name, method]) => [
    name,
    (request: object, call: CallOptions = {}) => (method.responseStream ? callStream : callUnary)(client, method, options, request, call),
  ]);
  return { ...(Object.fromEntries(methods) as ServiceClient<D>), close: () => client.close() };
};
