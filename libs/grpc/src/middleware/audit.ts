import { fromBinary } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { now } from '@lethe/contracts/clock';
import { reasonOf, redactedJson, resourceFields, type MethodInfo } from '@lethe/contracts/registry';
import { Actor_Kind, Outcome, type AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { randomUUIDv7 } from 'node:crypto';
import { traceId, type CallContext } from '../context.ts';
import { AppError, CallError } from '../errors.ts';
import type { Principal } from '../principal.ts';

/** Stores a record durably before it resolves. */
export type AuditSink = (record: AuditRecord) => Promise<void>;

/** Who acted, for the record. */
export const auditActor = (principal: Principal): AuditRecord['actor'] => {
  const base = { kind: Actor_Kind.UNSPECIFIED, id: '', onBehalfOf: '', tokenId: '' };
  if (principal.kind === 'user') return { ...base, kind: Actor_Kind.USER, id: principal.userId, tokenId: principal.tokenId };
  if (principal.kind === 'service') return { ...base, kind: Actor_Kind.SERVICE, id: principal.service, onBehalfOf: principal.onBehalfOf };
  if (principal.kind === 'system') return { ...base, kind: Actor_Kind.SYSTEM, id: principal.service, onBehalfOf: principal.onBehalfOf };
  return base;
};

const plural = (kind: string): string => (kind.endsWith('y') ? `${kind.slice(0, -1)}ies` : kind.endsWith('s') ? `${kind}es` : `${kind}s`);

/** The full name of a resource: `tasks/{id}`. */
export const resourceName = (kind: string, id: string): string => (id === '' ? '' : `${plural(kind)}/${id}`);

const resourceOf = (method: MethodInfo, bytes: Uint8Array): string => {
  const message = reflect(method.input, fromBinary(method.input, bytes));
  for (const { field, kind } of resourceFields(method.input))
    if (field.fieldKind === 'scalar' && message.isSet(field)) return resourceName(kind, String(message.get(field)));
  return '';
};

const readRequest = (method: MethodInfo, bytes: Uint8Array): { request: AuditRecord['request']; resource: string } => {
  try {
    return { request: redactedJson(method.input, bytes) as Record<string, unknown>, resource: resourceOf(method, bytes) };
  } catch {
    // What cannot be read cannot be shown; the outcome says UNREADABLE_REQUEST.
    return { request: undefined, resource: '' };
  }
};

/** The record of a call, without before and after. `thrown` undefined = it succeeded. */
export const recordOfCall = (ctx: CallContext, thrown?: unknown): AuditRecord => {
  const reason = thrown === undefined ? '' : thrown instanceof AppError ? thrown.reason : 'INTERNAL';
  const denied = !(thrown instanceof CallError) && (reasonOf(ctx.method.domain, reason)?.denial ?? false);
  const { request, resource } = readRequest(ctx.method, ctx.requestBytes);
  return {
    id: randomUUIDv7(),
    source: ctx.method.noun,
    time: now(),
    actor: auditActor(ctx.principal),
    action: ctx.method.fullName,
    resource: ctx.resource || resource,
    groupId: ctx.groupId,
    runId: ctx.runId,
    outcome: thrown === undefined ? Outcome.OK : denied ? Outcome.DENIED : Outcome.FAILED,
    reason,
    request,
    before: undefined,
    after: undefined,
    requestId: '',
    traceId: traceId(ctx.traceparent),
    durationMs: BigInt(ctx.elapsedMs()),
    revision: 0n,
  };
};

/**
 * Exactly one record for each audited call: changes write theirs in their own transaction, reads and failures here, before the response leaves. When
 * the record cannot be stored the call fails.
 */
export const audit =
  (sink: AuditSink) =>
  async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    const always = ctx.method.policy.audit === 'ALWAYS';
    if (ctx.method.streaming && always) {
      ctx.beforeFirstMessage = async () => {
        ctx.audited = true;
        await sink(recordOfCall(ctx));
      };
    }
    let response: unknown;
    try {
      response = await next();
    } catch (error) {
      const record = recordOfCall(ctx, error);
      if (!ctx.audited && (always || record.outcome === Outcome.DENIED)) await sink(record);
      throw error;
    }
    if (always && !ctx.audited) await sink(recordOfCall(ctx));
    return response;
  };
