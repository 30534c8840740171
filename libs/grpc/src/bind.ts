// A service's contract + async handlers + the chain → a grpc-js implementation.
import type { MethodDefinition as GrpcMethod, UntypedServiceImplementation } from '@grpc/grpc-js';
import type { RequestOf, ResponseOf, ServiceContract } from '@lethe/contracts/message';
import { methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import type { Logger } from 'pino';
import { chain, type ChainDependencies } from './chain.ts';
import type { CallContext, ContextOf } from './context.ts';
import { anyMethod, pathOf } from './definition.ts';
import type { Served } from './server/call.ts';
import { stream } from './server/stream.ts';
import { unary } from './server/unary.ts';

/** The handlers of a service: one for every method of its contract. */
export type Handlers<D extends ServiceContract> = {
  [K in keyof D['methods']]: (
    request: RequestOf<D['methods'][K]>,
    ctx: ContextOf<D, K>,
  ) => D['methods'][K]['responseStream'] extends true ? AsyncIterable<ResponseOf<D['methods'][K]>> : Promise<ResponseOf<D['methods'][K]>>;
};

/** What a grpc-js server takes, and the methods by their paths. */
export type Bound = {
  definition: Record<string, GrpcMethod<Buffer, Buffer>>;
  implementation: UntypedServiceImplementation;
  methods: ReadonlyMap<string, MethodInfo>;
};

const bytes = (value: Buffer): Buffer => value;

/** Binds handlers to a contract. Requests arrive as bytes, so that the strict decoder, the rules and the redaction see what was sent. */
export const bind = <D extends ServiceContract>(
  contract: D,
  handlers: Handlers<D>,
  dependencies: ChainDependencies,
  log: Logger,
): Bound => {
  const methods = methodsOf(serviceType(contract.fullName));
  const middleware = chain(dependencies).map(([, layer]) => layer);
  const byPath = new Map<string, MethodInfo>();
  const bound: Bound = { definition: {}, implementation: {}, methods: byPath };
  for (const [key, definition] of Object.entries(contract.methods)) {
    const info = methods.get(definition.name);
    if (!info) throw new Error(`${contract.fullName}/${definition.name} is not in the descriptor image; run npm run gen`);
    // The policy of the same image says who calls, so `authorize` has set what the handler's context promises.
    const handler = handlers[key] as (request: unknown, ctx: CallContext) => unknown;
    const served: Served = { info, method: anyMethod(definition), middleware, handler, log };
    const path = pathOf(contract.fullName, definition);
    byPath.set(path, info);
    bound.definition[key] = {
      path,
      requestStream: false,
      responseStream: definition.responseStream,
      requestSerialize: bytes,
      requestDeserialize: bytes,
      responseSerialize: bytes,
      responseDeserialize: bytes,
    };
    bound.implementation[key] = definition.responseStream ? stream(served) : unary(served);
  }
  return bound;
};
