// Outgoing events → JetStream. A row is published again until its consumer's own database has it.
import { Envelope, Watermark } from '@lethe/contracts/gen/lethe/event/v1/event';
import { failpoint } from '@lethe/db/failpoint';
import type { Store } from '@lethe/db/open';
import { platformOf, type PlatformTables } from '@lethe/db/platform';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import { aborted } from './aborted.ts';
import { ensureStream, subjectOf, watermarkSubject, type Bus } from './connect.ts';

const BATCH = 500;
const POLL_MS = 1_000;
const REPUBLISH_AFTER = '5 seconds';
const CONFIRMED_RETENTION = '1 hour';
const REPLAY_RETENTION = '24 hours';
const CLEAN_EVERY_MS = 60_000;

type OutgoingRow = Selectable<PlatformTables['outgoingEvent']>;

/** Gives committed rows their numbers: per consumer, in the order of their ids, without gaps. One relay at a time, by an advisory lock. */
const numberRows = async (db: Kysely<PlatformTables>): Promise<void> => {
  const unnumbered = await db.selectFrom('outgoingEvent').select('id').where('sourceSeq', 'is', null).limit(1).executeTakeFirst();
  if (!unnumbered) return;
  await failpoint('relay.claim.before');
  await db.transaction().execute(async (tx) => {
    await sql`select pg_advisory_xact_lock(hashtext(current_schema() || '.relay'))`.execute(tx);
    await sql`
      with fresh as (
        select id, consumer, row_number() over (partition by consumer order by id) as place
        from outgoing_event where source_seq is null and id in (select id from outgoing_event where source_seq is null order by id limit ${BATCH * 4})
      ), numbered as (
        update outgoing_event o set source_seq = f.place + coalesce((select last_seq from outgoing_sequence s where s.consumer = f.consumer), 0)
        from fresh f where o.id = f.id returning o.consumer, o.source_seq
      )
      insert into outgoing_sequence (consumer, last_seq) select consumer, max(source_seq) from numbered group by consumer
      on conflict (consumer) do update set last_seq = excluded.last_seq`.execute(tx);
  });
  await failpoint('relay.claim.after');
};

const dueRows = (db: Kysely<PlatformTables>): Promise<OutgoingRow[]> =>
  db
    .selectFrom('outgoingEvent')
    .selectAll()
    .where('sourceSeq', 'is not', null)
    .where('confirmTime', 'is', null)
    .where((row) => row.or([row('publishTime', 'is', null), row('publishTime', '<', sql<Date>`now() - ${REPUBLISH_AFTER}::interval`)]))
    .orderBy('id')
    .limit(BATCH)
    .execute();

const toEnvelope = (source: string, row: OutgoingRow): Buffer =>
  Buffer.from(
    Envelope.encode({
      eventId: row.eventId,
      source,
      consumer: row.consumer,
      sourceSeq: row.sourceSeq ?? 0n,
      type: row.type,
      payload: row.payload,
      createTime: row.createTime,
      traceparent: row.traceparent,
    }).finish(),
  );

const publish = async (db: Kysely<PlatformTables>, bus: Bus, source: string): Promise<number> => {
  const rows = await dueRows(db);
  if (rows.length === 0) return 0;
  await failpoint('relay.publish.before');
  await Promise.all(
    rows.map((row) => bus.jetstream.publish(subjectOf(source, row.consumer, row.type), toEnvelope(source, row), { msgID: row.eventId })),
  );
  await failpoint('relay.publish.after');
  await db
    .updateTable('outgoingEvent')
    .set({ publishTime: sql<Date>`now()` })
    .where(
      'id',
      'in',
      rows.map(({ id }) => id),
    )
    .execute();
  await failpoint('relay.mark.after');
  return rows.length;
};

const confirm = async (db: Kysely<PlatformTables>, { consumer, sourceSeq }: Watermark): Promise<void> => {
  await db
    .updateTable('outgoingEvent')
    .set({ confirmTime: sql<Date>`now()` })
    .where('consumer', '=', consumer)
    .where('sourceSeq', '<=', sourceSeq)
    .where('confirmTime', 'is', null)
    .execute();
};

const clean = async (db: Kysely<PlatformTables>): Promise<void> => {
  await db
    .deleteFrom('outgoingEvent')
    .where('confirmTime', '<', sql<Date>`now() - ${CONFIRMED_RETENTION}::interval`)
    .execute();
  await db
    .deleteFrom('idempotency')
    .where('createTime', '<', sql<Date>`now() - ${REPLAY_RETENTION}::interval`)
    .execute();
  await db
    .deleteFrom('inbox')
    .where('receiveTime', '<', sql<Date>`now() - ${CONFIRMED_RETENTION}::interval`)
    .where(({ eb, selectFrom, ref }) =>
      eb('sourceSeq', '<=', selectFrom('watermark').select('watermark.sourceSeq').whereRef('watermark.source', '=', ref('inbox.source'))),
    )
    .execute();
};

const followWatermarks = async (db: Kysely<PlatformTables>, bus: Bus, source: string, log: Logger): Promise<void> => {
  for await (const message of bus.nats.subscribe(watermarkSubject(source, '*'))) {
    try {
      await confirm(db, Watermark.decode(message.data));
    } catch {
      log.warn({ worker: 'relay' }, 'a watermark could not be taken in; it will be repeated');
    }
  }
};

/** What a relay works with; `source` is the noun of its service, `bus` the connection when NATS is there. */
export type Relay<T extends PlatformTables> = { store: Store<T>; bus: Promise<Bus>; source: string; log: Logger; signal: AbortSignal };

/** Runs the relay of a service until `signal` aborts. It works on each commit, and looks once a second besides. */
export const runRelay = async <T extends PlatformTables>(relay: Relay<T>): Promise<void> => {
  const { store, source, log, signal } = relay;
  const db = platformOf(store.db);
  let wake = Promise.withResolvers<void>();
  const unsubscribe = store.onCommit(() => wake.resolve());
  const bus = await Promise.race([relay.bus, aborted(signal)]);
  if (!bus) return;
  void followWatermarks(db, bus, source, log);
  let cleanedMs = Date.now();
  while (!signal.aborted) {
    wake = Promise.withResolvers<void>();
    try {
      await numberRows(db);
      const published = await publish(db, bus, source);
      if (Date.now() - cleanedMs > CLEAN_EVERY_MS) {
        cleanedMs = Date.now();
        await clean(db);
      }
      if (published === BATCH) continue;
    } catch (error) {
      log.warn({ worker: 'relay', error: error instanceof Error ? error.name : '' }, 'events wait; the relay tries again');
      await ensureStream(bus).catch(() => {});
    }
    await Promise.race([wake.promise, sleep(POLL_MS, undefined, { signal }).catch(() => {})]);
  }
  unsubscribe();
};
