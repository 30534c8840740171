// The only way to write: change, audit record, events and stored response in one transaction.
import { now } from '@lethe/contracts/clock';
import { redactBytes, redactedJson, messageType } from '@lethe/contracts/registry';
import { Actor_Kind, Outcome, type AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { MessageType } from '@lethe/contracts/message';
import { actingUserId, type CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { recordOfCall } from '@lethe/grpc/middleware/audit';
import type { Kysely, Transaction } from 'kysely';
import { createHash, randomUUIDv7 } from 'node:crypto';
import { emit, type OutgoingEvent } from './event.ts';
import type { Store } from './open.ts';
import { isConnectionLost, isRetryable } from './pg-errors.ts';
import { platformOf, type PlatformTables } from './platform.ts';

const ATTEMPTS = 3;

/** A JSON object for the audit record's before and after. */
export type AuditView = { [key: string]: unknown };

/** What a change did: its response, what the record says, and the events for other services. */
export type Change<R> = {
  response: R;
  /** Full name, `tasks/{id}`; from the request when absent. */
  resource?: string;
  groupId?: string;
  runId?: string;
  /** Of a change by the system: the user in whose name, where only the change knows. */
  onBehalfOf?: string;
  before?: AuditView | undefined;
  after?: AuditView | undefined;
  /** The resource's version after the change. */
  revision?: number;
  events?: OutgoingEvent[];
};

/** What the system itself does, without a call. */
export type SystemAction = { service: string; action: string; onBehalfOf?: string; outcome?: Outcome; reason?: string };

/** A message as the audit record shows it: proto JSON without secret fields. */
export const auditView = <M>(type: MessageType<M>, message: M): AuditView =>
  redactedJson(messageType(type.$type), type.encode(message).finish()) as AuditView;

const fill = (record: AuditRecord, change: Change<unknown>): AuditRecord => ({
  ...record,
  resource: change.resource ?? record.resource,
  groupId: change.groupId ?? record.groupId,
  runId: change.runId ?? record.runId,
  actor: record.actor && change.onBehalfOf !== undefined ? { ...record.actor, onBehalfOf: change.onBehalfOf } : record.actor,
  before: change.before,
  after: change.after,
  revision: BigInt(change.revision ?? 0),
});

const wasCommitted = async (db: Kysely<PlatformTables>, eventId: string): Promise<boolean> =>
  (await db.selectFrom('outgoingEvent').select('id').where('eventId', '=', eventId).executeTakeFirst()) !== undefined;

/**
 * Runs `body` in a transaction, up to three times on serialization failures and deadlocks. When the connection is lost during COMMIT, the outcome is
 * read on a new connection instead of guessed.
 */
const inTransaction = async <T extends PlatformTables, R>(
  store: Store<T>,
  eventId: string,
  body: (tx: Transaction<T>) => Promise<R>,
  attempt = 1,
): Promise<R> => {
  let done: { result: R } | undefined;
  try {
    return await store.transaction(async (tx) => {
      done = undefined;
      const value = await body(tx);
      done = { result: value };
      return value;
    });
  } catch (error) {
    if (isRetryable(error) && attempt < ATTEMPTS) return inTransaction(store, eventId, body, attempt + 1);
    if (done && isConnectionLost(error) && (await wasCommitted(platformOf(store.db), eventId))) {
      store.committed();
      return done.result;
    }
    throw error;
  }
};

type Replay = { response: Uint8Array } | undefined;

type RequestKey = { principal: string; method: string; requestId: string };

const keyOf = (ctx: CallContext, requestId: string): RequestKey => ({
  principal: actingUserId(ctx) || `service:${ctx.principal.kind === 'service' ? ctx.principal.service : ''}`,
  method: ctx.method.fullName,
  requestId,
});

const hashOf = (body: Uint8Array): Buffer => createHash('sha256').update(body).digest();

const findResponse = async (db: Kysely<PlatformTables>, key: RequestKey, body: Uint8Array): Promise<Replay> => {
  const stored = await db
    .selectFrom('idempotency')
    .select(['bodyHash', 'response'])
    .where('principal', '=', key.principal)
    .where('method', '=', key.method)
    .where('requestId', '=', key.requestId)
    .executeTakeFirst();
  if (!stored) return undefined;
  if (!stored.bodyHash.equals(hashOf(body))) throw fail('REQUEST_ID_REUSED', { request_id: key.requestId });
  return { response: stored.response ?? Buffer.alloc(0) };
};

/**
 * The stored response of a request id, or undefined. For a method that looks at the state before it changes it: what was done by the same request is
 * no obstacle to its repetition.
 */
export const replayOf = async <T extends PlatformTables>(store: Store<T>, ctx: CallContext, requestId: string): Promise<unknown> => {
  if (requestId === '') return undefined;
  const replay = await findResponse(platformOf(store.db), keyOf(ctx, requestId), ctx.requestBytes);
  return replay && ctx.codec.deserialize(replay.response);
};

const claimRequestId = async (tx: Kysely<PlatformTables>, key: RequestKey, body: Uint8Array): Promise<Replay> => {
  const inserted = await tx
    .insertInto('idempotency')
    .values({ ...key, bodyHash: hashOf(body), response: null })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return inserted.numInsertedOrUpdatedRows === 1n ? undefined : findResponse(tx, key, body);
};

/**
 * Changes something for a call. `fn` makes no network call: it may run again. With a `requestId` that was used before, the stored response
 * comes back without its secret fields and nothing changes; with another body it is refused.
 */
export const mutate = async <T extends PlatformTables, R>(
  store: Store<T>,
  ctx: CallContext,
  requestId: string,
  fn: (tx: Transaction<T>) => Promise<Change<R>>,
): Promise<R> => {
  const eventId = randomUUIDv7();
  const key = keyOf(ctx, requestId);
  const outcome = await inTransaction(store, eventId, async (tx) => {
    const platform = platformOf(tx);
    if (requestId !== '') {
      const replay = await claimRequestId(platform, key, ctx.requestBytes);
      if (replay) return { response: ctx.codec.deserialize(replay.response) as R, replayed: true };
    }
    const change = await fn(tx);
    const record = { ...fill(recordOfCall(ctx), change), id: eventId, requestId };
    await emit(tx, { record, events: change.events ?? [], traceparent: ctx.traceparent });
    if (requestId !== '') {
      const response = Buffer.from(redactBytes(ctx.method.output, ctx.codec.serialize(change.response)));
      await platform
        .updateTable('idempotency')
        .set({ response })
        .where('principal', '=', key.principal)
        .where('method', '=', key.method)
        .where('requestId', '=', requestId)
        .execute();
    }
    return { response: change.response, replayed: false };
  });
  if (!outcome.replayed) ctx.audited = true;
  return outcome.response;
};

/** Changes something by the system itself; the record's action is `system/<action>`. */
export const mutateAsSystem = <T extends PlatformTables, R>(
  store: Store<T>,
  system: SystemAction,
  fn: (tx: Transaction<T>) => Promise<Change<R>>,
): Promise<R> => {
  const id = randomUUIDv7();
  return inTransaction(store, id, async (tx) => {
    const change = await fn(tx);
    await emit(tx, { record: systemRecord(system, change, id), events: change.events ?? [], traceparent: '' });
    return change.response;
  });
};

/** The record of something that the system did. */
export const systemRecord = (system: SystemAction, change: Omit<Change<unknown>, 'response'>, id: string = randomUUIDv7()): AuditRecord =>
  fill(
    {
      id,
      source: system.service,
      time: now(),
      actor: { kind: Actor_Kind.SYSTEM, id: system.service, onBehalfOf: system.onBehalfOf ?? '', tokenId: '' },
      action: `system/${system.action}`,
      resource: '',
      groupId: '',
      runId: '',
      outcome: system.outcome ?? Outcome.OK,
      reason: system.reason ?? '',
      request: undefined,
      before: undefined,
      after: undefined,
      requestId: '',
      traceId: '',
      durationMs: 0n,
      revision: 0n,
    },
    { ...change, response: undefined },
  );
