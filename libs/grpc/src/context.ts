// What a handler knows of its call.
import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import type { Callers } from '@lethe/contracts/gen/callers';
import type { ServiceContract } from '@lethe/contracts/message';
import type { MethodInfo } from '@lethe/contracts/registry';
import type { Logger } from 'pino';
import type { Principal, ServicePrincipal, UserPrincipal } from './principal.ts';

/** The context of one call. Middleware fills it from the outside in. */
export type CallContext = {
  readonly method: MethodInfo;
  /** The method's own encoding of its response. */
  readonly codec: { serialize: (value: unknown) => Buffer; deserialize: (bytes: Uint8Array) => unknown };
  readonly requestBytes: Uint8Array;
  /** The request as it was sent, decoded once; throws where the bytes are no message of the method's type. */
  readonly request: () => Message;
  readonly metadata: Metadata;
  /** True on TLS and on loopback. */
  readonly transportSecure: boolean;
  /** Milliseconds since the epoch. */
  readonly startTimeMs: number;
  /** How long it has taken so far. */
  readonly elapsedMs: () => number;
  readonly cancel: AbortController;
  /** Aborts on cancellation by the client and when the deadline passes. */
  readonly signal: AbortSignal;
  principal: Principal;
  /** The calling user, set by `authorize` where a user calls. */
  user: UserPrincipal | undefined;
  /** The calling service, set by `authorize` where a service calls. */
  service: ServicePrincipal | undefined;
  log: Logger;
  traceparent: string;
  /** Milliseconds since the epoch. */
  deadlineMs: number;
  /** The group of the resource, once it is known: for the audit record. */
  groupId: string;
  runId: string;
  /** Full name of the resource, once it is known: for the audit record. */
  resource: string;
  /** The audit record of this call is written, or will be with the change. */
  audited: boolean;
  /** Turns the call's token into a principal; set by `authenticate`. */
  authenticate: () => Promise<void>;
  /** Finds out again who calls and whether they still may; throws where they may not. Set by `authorize` for streams. */
  authorizeAgain: (() => Promise<void>) | undefined;
  /** Runs before the first message of a stream is sent. */
  beforeFirstMessage: (() => Promise<void>) | undefined;
};

/** The context in a method that users call. */
export type UserCall = CallContext & { readonly user: UserPrincipal };

/** The context in a method that services call. */
export type ServiceCall = CallContext & { readonly service: ServicePrincipal };

type ContextByCallers = { USER: UserCall; SERVICE: ServiceCall; BOTH: CallContext };

/** The context that a method's handler gets: by the callers that its policy lets in. */
export type ContextOf<D extends ServiceContract, Method extends keyof D['methods']> = D['fullName'] extends keyof Callers
  ? Method extends keyof Callers[D['fullName']]
    ? Callers[D['fullName']][Method] extends keyof ContextByCallers
      ? ContextByCallers[Callers[D['fullName']][Method]]
      : never
    : never
  : never;

/** The id of the user in whose name the call is made, or '' where there is none. */
export const actingUserId = (ctx: CallContext): string => {
  if (ctx.principal.kind === 'user') return ctx.principal.userId;
  return ctx.principal.kind === 'service' ? ctx.principal.onBehalfOf : '';
};

/** The 32 hex digits of a W3C traceparent. */
export const traceId = (traceparent: string): string => traceparent.split('-')[1] ?? '';
