// A service definition + async handlers + the chain → a grpc-js implementation.
import type {
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  sendUnaryData,
  ServerUnaryCall,
  ServerWritableStream,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { fromBinary, toBinary, type Message } from '@bufbuild/protobuf';
import { methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import type { Logger } from 'pino';
import { once, type EventEmitter } from 'node:events';
import { chain, compose, type ChainDependencies } from './chain.ts';
import type { CallContext } from './context.ts';
import { fail, type MappedStatus } from './errors.ts';

type Request<M> = M extends { requestDeserialize: (bytes: Buffer) => infer R } ? R : never;
type Response<M> = M extends { responseDeserialize: (bytes: Buffer) => infer R } ? R : never;

/** The handlers of a service: one for every method of its definition. */
export type Handlers<D> = {
  [K in keyof D]: D[K] extends { responseStream: true }
    ? (request: Request<D[K]>, ctx: CallContext) => AsyncIterable<Response<D[K]>>
    : (request: Request<D[K]>, ctx: CallContext) => Promise<Response<D[K]>>;
};

type RawCall = ServerUnaryCall<Buffer, Buffer> | ServerWritableStream<Buffer, Buffer>;
type AnyMethod = {
  path: string;
  responseStream: boolean;
  requestDeserialize: (bytes: Buffer) => unknown;
  responseSerialize: (value: never) => Buffer;
  responseDeserialize: (bytes: Buffer) => unknown;
};

const codecOf = (method: AnyMethod): CallContext['codec'] => ({
  serialize: (value) => method.responseSerialize(value as never),
  deserialize: (bytes) => method.responseDeserialize(Buffer.from(bytes)),
});

const decodeOnce = (method: MethodInfo, bytes: Buffer): (() => Message) => {
  let message: Message | undefined;
  return () => (message ??= fromBinary(method.input, bytes));
};

const LOOPBACK = /^(?:(?:ipv4:)?127\.|(?:ipv6:)?\[?::1\]?|(?:ipv6:)?\[?::ffff:127\.|unix:)/;

const contextOf = (method: MethodInfo, codec: CallContext['codec'], call: RawCall, log: Logger): CallContext => {
  const cancel = new AbortController();
  const events: EventEmitter = call;
  events.on('cancelled', () => cancel.abort(fail('CANCELLED')));
  const deadline = call.getDeadline();
  return {
    method,
    codec,
    requestBytes: call.request,
    request: decodeOnce(method, call.request),
    metadata: call.metadata,
    transportSecure: call.getAuthContext().transportSecurityType === 'ssl' || LOOPBACK.test(call.getPeer()),
    startTimeMs: Date.now(),
    cancel,
    signal: cancel.signal,
    principal: { kind: 'anonymous' },
    log,
    traceparent: '',
    deadlineMs: deadline instanceof Date ? deadline.getTime() : deadline,
    groupId: '',
    runId: '',
    resource: '',
    audited: false,
    beforeFirstMessage: undefined,
  };
};

const toServiceError = (mapped: MappedStatus): MappedStatus & Error => Object.assign(new Error(mapped.details), mapped);

const unary =
  (run: (ctx: CallContext) => Promise<unknown>, info: MethodInfo, method: AnyMethod, log: Logger): handleUnaryCall<Buffer, Buffer> =>
  (call, callback: sendUnaryData<Buffer>) => {
    const respond = async (): Promise<void> => {
      try {
        callback(null, method.responseSerialize((await run(contextOf(info, codecOf(method), call, log))) as never));
      } catch (error) {
        callback(toServiceError(error as MappedStatus));
      }
    };
    void respond();
  };

const stream =
  (
    run: (ctx: CallContext) => Promise<unknown>,
    info: MethodInfo,
    method: AnyMethod,
    log: Logger,
    calls: WeakMap<CallContext, ServerWritableStream<Buffer, Buffer>>,
  ): handleServerStreamingCall<Buffer, Buffer> =>
  (call) => {
    const ctx = contextOf(info, codecOf(method), call, log);
    calls.set(ctx, call);
    void run(ctx).then(
      () => call.end(),
      (error: MappedStatus) => call.emit('error', toServiceError(error)),
    );
  };

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
    if (!call.write(method.responseSerialize(message as never))) await once(call, 'drain', { signal: ctx.signal });
  }
};

/** Binds handlers to a definition. Requests arrive as bytes, so that the strict decoder, the rules and the redaction see what was sent. */
export const bind = <D extends Record<string, unknown>>(
  serviceName: string,
  definition: D,
  handlers: Handlers<D>,
  dependencies: ChainDependencies,
  log: Logger,
): { definition: Record<string, MethodDefinition<Buffer, Buffer>>; implementation: UntypedServiceImplementation } => {
  const methods = methodsOf(serviceType(serviceName));
  const middleware = chain(dependencies).map(([, layer]) => layer);
  const raw: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  const streams = new WeakMap<CallContext, ServerWritableStream<Buffer, Buffer>>();
  for (const key of Object.keys(definition)) {
    const method = definition[key] as AnyMethod & MethodDefinition<Buffer, Buffer>;
    const info = methods.get(method.path.slice(method.path.lastIndexOf('/') + 1));
    if (!info) throw new Error(`${method.path} is not in the descriptor image; run npm run gen`);
    const handler = handlers[key as keyof D] as (request: unknown, ctx: CallContext) => unknown;
    const innermost = async (ctx: CallContext): Promise<unknown> => {
      // The handler gets what the rules have seen: two decoders may read the same odd bytes in two ways.
      const bytes = toBinary(info.input, ctx.request(), { writeUnknownFields: false });
      const answer = handler(method.requestDeserialize(Buffer.from(bytes)), ctx);
      const call = streams.get(ctx);
      return call ? pump(answer as AsyncIterable<unknown>, method, call, ctx) : answer;
    };
    const run = compose(middleware, innermost);
    raw[key] = { ...method, requestDeserialize: (bytes) => bytes, responseSerialize: (bytes) => bytes };
    implementation[key] = method.responseStream ? stream(run, info, method, log, streams) : unary(run, info, method, log);
  }
  return { definition: raw, implementation };
};
