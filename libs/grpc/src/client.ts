// Typed promise clients from the same contracts: a deadline always, trace and cancellation passed on, errors decoded.
import { Client, credentials, type ChannelCredentials } from '@grpc/grpc-js';
import type { PartialRequestOf, ResponseOf, ServiceContract } from '@lethe/contracts/message';
import type { CallOptions, Reached } from './client/call.ts';
import { callStream } from './client/stream.ts';
import { callUnary } from './client/unary.ts';
import { anyMethod, pathOf } from './definition.ts';

export type { CallOptions } from './client/call.ts';

/** A client of a service; request fields that are absent, at any depth, have their default. */
export type ServiceClient<D extends ServiceContract> = {
  [K in keyof D['methods']]: (
    request: PartialRequestOf<D['methods'][K]>,
    options?: CallOptions,
  ) => D['methods'][K]['responseStream'] extends true ? AsyncIterable<ResponseOf<D['methods'][K]>> : Promise<ResponseOf<D['methods'][K]>>;
} & { close: () => void };

/** How a client reaches its service. `token` is asked for every call that brings none. */
export type ClientOptions = {
  address: string;
  token?: (call: CallOptions) => Promise<string> | string;
  channelCredentials?: ChannelCredentials;
  deadlineMs?: number;
};

const DEFAULT_DEADLINE_MS = 5_000;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;

/** Makes a client. It connects at the first call and reconnects by itself. */
export const createClient = <D extends ServiceContract>(contract: D, options: ClientOptions): ServiceClient<D> => {
  const client = new Client(options.address, options.channelCredentials ?? credentials.createInsecure(), {
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.initial_reconnect_backoff_ms': 100,
    'grpc.max_reconnect_backoff_ms': 2_000,
  });
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const methods = Object.entries(contract.methods).map(([name, definition]) => {
    const method = anyMethod(definition);
    const reached: Reached = { client, path: pathOf(contract.fullName, method), method, token: options.token, deadlineMs };
    return [name, (request: object, call: CallOptions = {}) => (method.responseStream ? callStream : callUnary)(reached, request, call)];
  });
  return { ...(Object.fromEntries(methods) as ServiceClient<D>), close: () => client.close() };
};
