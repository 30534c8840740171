// What a handler knows of its call.
import type { Message } from '@bufbuild/protobuf';
import type { Metadata } from '@grpc/grpc-js';
import type { MethodInfo } from '@lethe/contracts/registry';
import type { Logger } from 'pino';
import { fail } from './errors.ts';
import type { Principal, UserPrincipal } from './principal.ts';

/** The context of one call. Middleware fills it from the outside in. */
export type CallContext = {
  readonly method: MethodInfo;
  /** The method's own encoding of its answer. */
  readonly codec: { serialize: (value: unknown) => Buffer; deserialize: (bytes: Uint8Array) => unknown };
  readonly requestBytes: Uint8Array;
  /** The request as it was sent, decoded once; throws where the bytes are no message of the method's type. */
  readonly request: () => Message;
  readonly metadata: Metadata;
  /** True on TLS and on loopback. */
  readonly transportSecure: boolean;
  /** Milliseconds since the epoch. */
  readonly startTimeMs: number;
  readonly cancel: AbortController;
  /** Aborts on cancellation by the client and when the deadline passes. */
  readonly signal: AbortSignal;
  principal: Principal;
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
  /** Runs before the first message of a stream is sent. */
  beforeFirstMessage: (() => Promise<void>) | undefined;
};

/** The calling user; a service gets SERVICE methods only, so anything else is a defect. */
export const callingUser = (ctx: CallContext): UserPrincipal => {
  if (ctx.principal.kind !== 'user') throw fail('PERMISSION_DENIED', { permission: ctx.method.policy.permission });
  return ctx.principal;
};

/** The id of the user in whose name the call is made, or '' where there is none. */
export const actingUserId = (ctx: CallContext): string => {
  if (ctx.principal.kind === 'user') return ctx.principal.userId;
  return ctx.principal.kind === 'service' ? ctx.principal.onBehalfOf : '';
};

/** The 32 hex digits of a W3C traceparent. */
export const traceId = (traceparent: string): string => traceparent.split('-')[1] ?? '';
