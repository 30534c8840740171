import { now } from '@lethe/contracts/clock';
import { reasonOf } from '@lethe/contracts/registry';
import { Actor_Kind, Outcome, type AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { randomUUIDv7 } from 'node:crypto';
import { traceId, type CallContext } from '../context.ts';
import { AppError, CallError } from '../errors.ts';
import type { Principal } from '../principal.ts';
import { requestView } from './request-view.ts';

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

/** The record of a call, without before and after. `thrown` undefined = it succeeded. */
export const recordOfCall = (ctx: CallContext, thrown?: unknown): AuditRecord => {
  const reason = thrown === undefined ? '' : thrown instanceof AppError ? thrown.reason : 'INTERNAL';
  const denied = !(thrown instanceof CallError) && (reasonOf(ctx.method.domain, reason)?.denial ?? false);
  const { request, resource } = requestView(ctx.method, ctx.requestBytes);
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
