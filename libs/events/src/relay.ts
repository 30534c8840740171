// Outgoing events → JetStream. A row is published again until its consumer's own database has it.
import { stopwatch } from '@lethe/contracts/clock';
import { Envelope, Watermark } from '@lethe/contracts/gen/lethe/event/v1/event';
import { failpoint } from '@lethe/db/failpoint';
import type { Store } from '@lethe/db/open';
import { platformOf, type PlatformTables } from '@lethe/db/platform';
import { sql, type Kysely, type Selectable } from 'kysely';
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';
import { aborted } from './aborted.ts';
import { ensureStream, MAX_EVENT_BYTES, subjectOf, watermarkSubject, type Bus, type BusSource } from './connect.ts';

const BATCH = 500;
const POLL_MS = 1_000;
const NEW_BATCH = 200;
const REPEAT_BATCH = 50;
const REPEAT_AFTER = '5 seconds';
const REPEAT_MAX = '5 minutes';
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
        from outgoing_event where source_seq is null and id in (select id from outgoing_event where source_seq is null order by id limit ${BATCH * 20})
      ), numbered as (
        update outgoing_event o set source_seq = f.place + coalesce((select last_seq from outgoing_sequence s where s.consumer = f.consumer), 0)
        from fresh f where o.id = f.id returning o.consumer, o.source_seq
      )
      insert into outgoing_sequence (consumer, last_seq) select consumer, max(source_seq) from numbered group by consumer
      on conflict (consumer) do update set last_seq = excluded.last_seq`.execute(tx);
  });
  await failpoint('relay.claim.after');
};

/**
 * What is to be published now, for each consumer apart: what was never published comes first, then what waits for its consumer's confirmation, at
 * growing intervals. So neither a consumer that is away nor another's backlog delays a new event.
 */
const dueRows = async (db: Kysely<PlatformTables>): Promise<OutgoingRow[]> => {
  const { rows } = await sql<OutgoingRow>`
    select e.* from outgoing_sequence s cross join lateral (
      (select * from outgoing_event
        where consumer = s.consumer and source_seq is not null and publish_time is null order by source_seq limit ${NEW_BATCH})
      union all
      (select * from outgoing_event
        where consumer = s.consumer and confirm_time is null and next_publish_time <= now() order by next_publish_time limit ${REPEAT_BATCH})
    ) e order by e.publish_time is not null, e.id`.execute(db);
  return rows;
};

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

// An event that the bus can never take. Its number is sent all the same, so that later events are not held up: the consumer keeps it as a dead letter.
const SET_ASIDE = 'lethe.event.v1.SetAside';

type Sent = { row: OutgoingRow; setAside: boolean };

const send = async (bus: Bus, source: string, row: OutgoingRow): Promise<Sent> => {
  const envelope = toEnvelope(source, row);
  const setAside = envelope.length > (bus.nats.info?.max_payload ?? MAX_EVENT_BYTES);
  const sent = setAside ? { ...row, type: SET_ASIDE, payload: Buffer.alloc(0) } : row;
  await bus.jetstream.publish(subjectOf(source, sent.consumer, sent.type), setAside ? toEnvelope(source, sent) : envelope, {
    msgID: row.eventId,
  });
  return { row, setAside };
};

const mark = async (db: Kysely<PlatformTables>, sent: readonly Sent[]): Promise<void> => {
  if (sent.length === 0) return;
  const setAside = sent.filter((each) => each.setAside).map(({ row }) => row.id);
  await sql`
    update outgoing_event set publish_time = now(), publish_count = publish_count + 1,
      next_publish_time = now() + least(${REPEAT_MAX}::interval, ${REPEAT_AFTER}::interval * power(2, publish_count)),
      set_aside = set_aside or id = any(${setAside})
    where id = any(${sent.map(({ row }) => row.id)})`.execute(db);
};

/** Publishes what is due; returns how many rows went out. A row that fails keeps no other row back. */
const publish = async (db: Kysely<PlatformTables>, bus: Bus, source: string, log: Logger): Promise<number> => {
  const rows = await dueRows(db);
  if (rows.length === 0) return 0;
  await failpoint('relay.publish.before');
  const results = await Promise.allSettled(rows.map((row) => send(bus, source, row)));
  await failpoint('relay.publish.after');
  const sent = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  await mark(db, sent);
  await failpoint('relay.mark.after');
  for (const { row, setAside } of sent)
    if (setAside)
      log.error(
        { worker: 'relay', event: row.type, consumer: row.consumer, sizeBytes: row.payload.length },
        'an event is larger than the message bus takes: it is set aside',
      );
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
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
    .where('setAside', '=', false)
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

/** What was published on an earlier connection may be gone with its server. */
const repeatAtOnce = async (db: Kysely<PlatformTables>): Promise<void> => {
  await sql`update outgoing_event set next_publish_time = now() where confirm_time is null and next_publish_time > now()`.execute(db);
};

/** What a relay works with; `source` is the noun of its service, `bus` the connection to NATS. */
export type Relay<T extends PlatformTables> = { store: Store<T>; bus: BusSource; source: string; log: Logger; signal: AbortSignal };

/** Runs the relay of a service until `signal` aborts. It works on each commit, and looks once a second besides. */
export const runRelay = async <T extends PlatformTables>(relay: Relay<T>): Promise<void> => {
  const { store, source, log, signal } = relay;
  const db = platformOf(store.db);
  let wake = Promise.withResolvers<void>();
  const unsubscribe = store.onCommit(() => wake.resolve());
  let followed: Bus | undefined;
  let sinceCleanMs = stopwatch();
  while (!signal.aborted) {
    wake = Promise.withResolvers<void>();
    const bus = await Promise.race([relay.bus.get().catch(() => undefined), aborted(signal)]);
    if (!bus) continue;
    try {
      if (bus !== followed) {
        followed = bus;
        void followWatermarks(db, bus, source, log);
        await repeatAtOnce(db);
      }
      await numberRows(db);
      const published = await publish(db, bus, source, log);
      if (sinceCleanMs() > CLEAN_EVERY_MS) {
        sinceCleanMs = stopwatch();
        await clean(db);
      }
      if (published > 0) continue;
    } catch (error) {
      log.warn({ worker: 'relay', error: error instanceof Error ? error.name : '' }, 'events wait; the relay tries again');
      await ensureStream(bus).catch(() => {});
    }
    await Promise.race([wake.promise, sleep(POLL_MS, undefined, { signal }).catch(() => {})]);
  }
  unsubscribe();
};
