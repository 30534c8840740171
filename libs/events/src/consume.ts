// JetStream → inbox, effect and watermark in one transaction; duplicates are absorbed by the inbox.
import { AckPolicy, DeliverPolicy, jetstreamManager, type Consumer, type JsMsg } from '@nats-io/jetstream';
import { nowMs } from '@lethe/contracts/clock';
import { Envelope, Watermark } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { MessageType } from '@lethe/contracts/message';
import type { Noun } from '@lethe/contracts/nouns';
import { failpoint } from '@lethe/db/failpoint';
import { isConnectionLost } from '@lethe/db/pg-errors';
import type { Store } from '@lethe/db/open';
import { platformOf, type PlatformTables } from '@lethe/db/platform';
import { AppError } from '@lethe/grpc/errors';
import { sql, type Kysely, type Transaction } from 'kysely';
import type { Logger } from 'pino';
import { randomUUIDv7 } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { aborted } from './aborted.ts';
import { ensureStream, STREAM, watermarkSubject, type Bus, type BusSource } from './connect.ts';

const BATCH = 200;
const ACK_WAIT_NS = 30 * 1_000_000_000;
const REPEAT_WATERMARK_MS = 2_000;
const RETRY_MS = 1_000;
const HEARTBEAT_MS = 5_000;
// An error that nobody knows is taken for the event's fault after so many tries.
const SUSPECT_DELIVERIES = 10;

/** Takes events of one type in. Runs inside the transaction that records them; makes no network call. */
export type EventHandler<T> = (tx: Transaction<T>, envelope: Envelope) => Promise<void>;

/** What a service does with events, by the full name of their message, and after the commit of a batch. */
export type EventHandlers<T> = { handlers: ReadonlyMap<string, EventHandler<T>>; committed?: (envelopes: Envelope[]) => void };

/** The handler of one type of event, with its message decoded: `new Map([on(RunRequested, queueRun), …])`. */
export const on = <T, M>(
  type: MessageType<M>,
  handle: (tx: Transaction<T>, message: M, envelope: Envelope) => Promise<void>,
): [type: string, handler: EventHandler<T>] => [type.$type, (tx, envelope) => handle(tx, type.decode(envelope.payload), envelope)];

type Received = { message: JsMsg; envelope: Envelope };

const advance = async (tx: Kysely<PlatformTables>, source: string): Promise<bigint> => {
  const { rows } = await sql<{ sourceSeq: bigint }>`
    insert into watermark as w (source, source_seq)
    select ${source}, coalesce(max(place), 0) from (
      select source_seq as place, source_seq - row_number() over (order by source_seq) as gap
      from inbox where source = ${source} and source_seq > coalesce((select source_seq from watermark where source = ${source}), 0)
    ) run where gap = coalesce((select source_seq from watermark where source = ${source}), 0)
    on conflict (source) do update set source_seq = greatest(w.source_seq, excluded.source_seq)
    returning source_seq`.execute(tx);
  return rows[0]?.sourceSeq ?? 0n;
};

const isNew = async (tx: Kysely<PlatformTables>, { eventId, source, sourceSeq }: Envelope): Promise<boolean> => {
  const { rows } = await sql`
    insert into inbox (event_id, source, source_seq)
    select ${eventId}::uuid, ${source}, ${sourceSeq}
    where not exists (select from watermark where source = ${source} and source_seq >= ${sourceSeq})
    on conflict do nothing returning event_id`.execute(tx);
  return rows.length > 0;
};

/** Takes a batch in, in one transaction. Returns the watermark of each source in it. */
export const takeIn = async <T extends PlatformTables>(
  store: Store<T>,
  { handlers, committed }: EventHandlers<T>,
  envelopes: Envelope[],
): Promise<Map<string, bigint>> => {
  await failpoint('ingest.before');
  const fresh: Envelope[] = [];
  const watermarks = await store.transaction(async (tx) => {
    fresh.length = 0;
    const platform = platformOf(tx);
    for (const source of [...new Set(envelopes.map(({ source }) => source))].toSorted())
      await sql`select pg_advisory_xact_lock(hashtext(current_schema() || ${`.inbox.${source}`}))`.execute(tx);
    for (const envelope of envelopes) {
      if (!(await isNew(platform, envelope))) continue;
      const handler = handlers.get(envelope.type);
      if (!handler) throw new UnknownEvent(envelope.type);
      await handler(tx, envelope);
      fresh.push(envelope);
    }
    const reached = new Map<string, bigint>();
    for (const { source } of envelopes) if (!reached.has(source)) reached.set(source, await advance(platform, source));
    return reached;
  });
  await failpoint('ingest.after');
  committed?.(fresh);
  return watermarks;
};

class UnknownEvent extends Error {}

/** A message that cannot be taken in; without an envelope where it cannot be read. */
type DeadLetter = { subject: string; bytes: Uint8Array; reason: string; envelope?: Envelope | undefined };

/** Keeps what cannot be taken in: the bytes and the reason. Its number counts as taken in, so that later events are not held up. */
const keepDeadLetter = async <T extends PlatformTables>(
  store: Store<T>,
  { subject, bytes, reason, envelope }: DeadLetter,
): Promise<Map<string, bigint>> =>
  store.db.transaction().execute(async (tx) => {
    const platform = platformOf(tx);
    if (envelope && !(await isNew(platform, envelope))) return new Map<string, bigint>();
    await platform
      .insertInto('deadLetter')
      .values({ id: randomUUIDv7(), subject, reason, bytes: Buffer.from(bytes) })
      .execute();
    return envelope ? new Map([[envelope.source, await advance(platform, envelope.source)]]) : new Map<string, bigint>();
  });

const decode = (message: JsMsg): Envelope | undefined => {
  try {
    const envelope = Envelope.decode(message.data);
    return envelope.eventId !== '' && envelope.source !== '' && envelope.sourceSeq > 0n ? envelope : undefined;
  } catch {
    return undefined;
  }
};

/** What an event needs is not there yet, such as the run that a command is for: it is delivered again, and set aside after a day. */
export class NotYet extends Error {
  override name = 'NotYet';
}

const NOT_YET_LIMIT_MS = 24 * 3600 * 1000;

/** Whether an event itself is at fault. Of anything else (Postgres away, the service closing) the same event will go through later. */
const isPoison = (error: unknown, deliveryCount: number, createTime: Date | undefined): boolean => {
  if (error instanceof NotYet) return createTime !== undefined && nowMs() - createTime.getTime() > NOT_YET_LIMIT_MS;
  if (error instanceof UnknownEvent || error instanceof AppError || error instanceof RangeError || error instanceof TypeError) return true;
  if (isConnectionLost(error)) return false;
  const code = (error as { code?: unknown } | undefined)?.code;
  // Data exceptions and broken constraints; drivers throw errors without a code for what they do not know.
  return typeof code === 'string' ? /^2[23]/.test(code) : deliveryCount >= SUSPECT_DELIVERIES;
};

/** What a consumer works with; `noun` is its service's, `bus` the connection to NATS. */
export type EventConsumer<T extends PlatformTables> = {
  store: Store<T>;
  bus: BusSource;
  noun: Noun;
  events: EventHandlers<T>;
  log: Logger;
  signal: AbortSignal;
};

/** What a batch is taken in with; `announce` publishes watermarks. */
type BatchContext<T extends PlatformTables> = {
  store: Store<T>;
  events: EventHandlers<T>;
  announce: (watermarks: Map<string, bigint>) => void;
  log: Logger;
};

/** Runs the durable consumer of a service until `signal` aborts; it comes back by itself after NATS or Postgres was away. */
export const runConsumer = async <T extends PlatformTables>(consumer: EventConsumer<T>): Promise<void> => {
  const { store, noun, events, log, signal } = consumer;
  let bus: Bus | undefined;
  const announce = (watermarks: Map<string, bigint>): void => {
    for (const [source, sourceSeq] of watermarks)
      bus?.nats.publish(watermarkSubject(source, noun), Watermark.encode({ source, consumer: noun, sourceSeq }).finish());
  };
  const repeat = setInterval(() => void repeatWatermarks(store, announce), REPEAT_WATERMARK_MS);
  while (!signal.aborted) {
    bus = await Promise.race([consumer.bus.get().catch(() => undefined), aborted(signal)]);
    if (!bus) continue;
    try {
      const durable = await openConsumer(bus, noun);
      await follow(durable, signal, (batch) => handleBatch({ store, events, announce, log }, batch));
    } catch (error) {
      log.warn({ worker: 'consumer', error: error instanceof Error ? error.name : '' }, 'events wait; the consumer tries again');
    }
    await sleep(RETRY_MS, undefined, { signal }).catch(() => {});
  }
  clearInterval(repeat);
};

const repeatWatermarks = async <T extends PlatformTables>(
  store: Store<T>,
  announce: (watermarks: Map<string, bigint>) => void,
): Promise<void> => {
  try {
    const rows = await platformOf(store.db).selectFrom('watermark').selectAll().execute();
    announce(new Map(rows.map(({ source, sourceSeq }) => [source, sourceSeq])));
  } catch {
    // Postgres or NATS is away; the next round repeats it.
  }
};

const openConsumer = async (bus: Bus, noun: Noun): Promise<Consumer> => {
  await ensureStream(bus);
  const manager = await jetstreamManager(bus.nats);
  await manager.consumers.add(STREAM, {
    durable_name: noun,
    filter_subject: `lethe.*.${noun}.>`,
    ack_policy: AckPolicy.Explicit,
    ack_wait: ACK_WAIT_NS,
    max_deliver: -1,
    max_ack_pending: BATCH * 10,
    deliver_policy: DeliverPolicy.All,
  });
  return bus.jetstream.consumers.get(STREAM, noun);
};

const follow = async (consumer: Consumer, signal: AbortSignal, handle: (batch: JsMsg[]) => Promise<void>): Promise<void> => {
  const messages = await consumer.consume({
    max_messages: BATCH * 2,
    idle_heartbeat: HEARTBEAT_MS,
    expires: HEARTBEAT_MS * 3,
    abort_on_missing_resource: true,
  });
  const stop = (): void => messages.stop();
  signal.addEventListener('abort', stop, { once: true });
  // The signal may have aborted while the consumer was being opened: its event is over, and nothing else would end the loop.
  if (signal.aborted) stop();
  const queue: JsMsg[] = [];
  let working: Promise<void> = Promise.resolve();
  let idle = true;
  const drain = async (): Promise<void> => {
    idle = false;
    while (queue.length > 0) await handle(queue.splice(0, BATCH));
    idle = true;
  };
  try {
    for await (const message of messages) {
      queue.push(message);
      // What arrives while a batch is worked on becomes the next batch.
      if (idle) working = new Promise<void>((resolve) => setImmediate(resolve)).then(() => (idle ? drain() : undefined));
    }
    await working;
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

const handleBatch = async <T extends PlatformTables>(context: BatchContext<T>, batch: JsMsg[]): Promise<void> => {
  const { store, events, announce, log } = context;
  const readable: Received[] = [];
  for (const message of batch) {
    const envelope = decode(message);
    if (envelope) readable.push({ message, envelope });
    else await setAside(context, message, 'unreadable');
  }
  if (readable.length === 0) return;
  try {
    const watermarks = await takeIn(
      store,
      events,
      readable.map(({ envelope }) => envelope),
    );
    readable.forEach(({ message }) => message.ack());
    announce(watermarks);
  } catch (error) {
    log.warn({ worker: 'consumer', error: error instanceof Error ? error.name : '' }, 'a batch of events is taken in one by one');
    await oneByOne(context, readable);
  }
};

const setAside = async <T extends PlatformTables>(
  { store, announce }: BatchContext<T>,
  message: JsMsg,
  reason: string,
  envelope?: Envelope,
): Promise<void> => {
  try {
    announce(await keepDeadLetter(store, { subject: message.subject, bytes: message.data, reason, envelope }));
    message.ack();
  } catch {
    // Postgres is away: the event comes again.
    message.nak(RETRY_MS);
  }
};

const oneByOne = async <T extends PlatformTables>(context: BatchContext<T>, received: Received[]): Promise<void> => {
  const { store, events, announce, log } = context;
  for (const { message, envelope } of received) {
    try {
      announce(await takeIn(store, events, [envelope]));
      message.ack();
    } catch (error) {
      if (!isPoison(error, message.info.deliveryCount, envelope.createTime)) {
        message.nak(RETRY_MS);
        continue;
      }
      log.error({ worker: 'consumer', event: envelope.type, error: error instanceof Error ? error.name : '' }, 'an event was set aside');
      await setAside(context, message, error instanceof UnknownEvent ? 'unknown type' : 'handler failed', envelope);
    }
  }
};
