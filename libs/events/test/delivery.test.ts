// From an outbox to a consumer's own table, over a real NATS and two schemas of a real Postgres.
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { openStore, type Store } from '@lethe/db/open';
import type { Noun } from '@lethe/contracts/nouns';
import { serviceDatabaseUrl } from '@lethe/servers/provision';
import { createLogger } from '@lethe/service/logger';
import { startTestNats, type TestNats } from '@lethe/testkit/servers';
import { copyTemplate } from '@lethe/testkit/template';
import { until } from '@lethe/testkit/until';
import { sql } from 'kysely';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import '@lethe/testkit/suite';
import { openBus, subjectOf, type BusSource } from '../src/connect.ts';
import { NotYet, runConsumer, type EventHandler } from '../src/consume.ts';
import { runRelay } from '../src/relay.ts';
import { Envelope } from '@lethe/contracts/gen/lethe/event/v1/event';

const TYPE = 'lethe.test.v1.Word';
const log = createLogger('test', 'silent');

let folder: string;
let nats: TestNats;
let database: Awaited<ReturnType<typeof copyTemplate>>;
let source: Store;
let target: Store;
let bus: BusSource;
let ending: AbortController;
let loops: Promise<unknown>[];
let ready: boolean;

const openAs = (noun: Noun): Store =>
  openStore({ url: serviceDatabaseUrl(inject('postgresUrl'), database.database, noun, inject('passwords')), schema: `lethe_${noun}` });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-events-'));
  nats = await startTestNats(folder);
  database = await copyTemplate(inject('postgresUrl'));
  source = openAs('script');
  target = openAs('data');
  // No constraint: an event that comes twice is seen twice.
  await sql`create table received (word text)`.execute(target.db);
  bus = openBus(nats.url, 'test', log);
  ending = new AbortController();
  loops = [];
  ready = false;
});
afterEach(async () => {
  disarmFailpoints();
  ending.abort();
  bus.close();
  await Promise.allSettled(loops);
  await source.close();
  await target.close();
  await database.drop();
  await nats.stop();
  rmSync(folder, { recursive: true, force: true });
});

const write: EventHandler<never> = async (tx, { payload }) => {
  const word = payload.toString();
  if (word === 'poison') throw new TypeError('not a word');
  if (word === 'early' && !ready) throw new NotYet();
  await sql`insert into received (word) values (${word})`.execute(tx);
};

const startRelay = (): void => void loops.push(runRelay({ store: source, bus, source: 'script', log, signal: ending.signal }));
const startConsumer = (): void =>
  void loops.push(
    runConsumer({ store: target, bus, noun: 'data', events: { handlers: new Map([[TYPE, write as never]]) }, log, signal: ending.signal }),
  );

const row = (word: string) => ({ eventId: randomUUID(), consumer: 'data', type: TYPE, payload: Buffer.from(word), traceparent: '' });

const send = async (...words: string[]): Promise<void> => {
  await source.db.insertInto('outgoingEvent').values(words.map(row)).execute();
  source.committed();
};

const received = async (): Promise<string[]> => {
  const { rows } = await sql<{ word: string }>`select word from received order by word`.execute(target.db);
  return rows.map(({ word }) => word);
};

const unconfirmed = async (): Promise<number> =>
  (await source.db.selectFrom('outgoingEvent').select('id').where('confirmTime', 'is', null).execute()).length;

const publishedCount = async (): Promise<number> =>
  (await source.db.selectFrom('outgoingEvent').select('id').where('publishTime', 'is not', null).execute()).length;

/** Waits until every event is confirmed by the consumer's own database. */
const settled = async (): Promise<void> => {
  const endMs = Date.now() + 30_000;
  while ((await unconfirmed()) > 0) {
    if (Date.now() > endMs) throw new Error(`${await unconfirmed()} events are not confirmed`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const words = (count: number): string[] => Array.from({ length: count }, (_, index) => `word-${String(index).padStart(4, '0')}`);

test('every event arrives once, and is confirmed by the consumer', async () => {
  startRelay();
  startConsumer();
  await send(...words(1200));
  await settled();
  expect(await received()).toEqual(words(1200));
});

test('an event that is published again under another message id arrives once', async () => {
  startRelay();
  startConsumer();
  await send('once');
  await settled();
  const stored = await source.db.selectFrom('outgoingEvent').selectAll().executeTakeFirstOrThrow();
  const envelope = Envelope.encode({
    eventId: stored.eventId,
    source: 'script',
    consumer: 'data',
    sourceSeq: stored.sourceSeq ?? 0n,
    type: TYPE,
    payload: stored.payload,
    createTime: stored.createTime,
    traceparent: '',
  }).finish();
  const { jetstream } = await bus.get();
  for (let copy = 0; copy < 3; copy += 1) await jetstream.publish(subjectOf('script', 'data', TYPE), envelope, { msgID: randomUUID() });
  await send('after');
  await settled();
  expect(await received()).toEqual(['after', 'once']);
});

test('a consumer that dies after its commit and before its ack takes nothing in twice', async () => {
  armFailpoint('ingest.after', () => {
    throw new Error('died');
  });
  startRelay();
  startConsumer();
  await send(...words(20));
  await settled();
  await send('last');
  await settled();
  expect(await received()).toEqual(['last', ...words(20)].toSorted());
});

test('a relay that dies after publishing and before noting it sends nothing twice', async () => {
  armFailpoint('relay.publish.after', () => {
    throw new Error('died');
  });
  startRelay();
  startConsumer();
  await send(...words(20));
  await settled();
  expect(await received()).toEqual(words(20));
});

test('events that were committed out of the order of their ids all arrive', async () => {
  const started = Promise.withResolvers<void>();
  const release = Promise.withResolvers<void>();
  // Takes the lower id, and commits last.
  const slow = source.db.transaction().execute(async (tx) => {
    await tx.insertInto('outgoingEvent').values(row('slow')).execute();
    started.resolve();
    await release.promise;
  });
  await started.promise;
  startRelay();
  startConsumer();
  await send('fast');
  await settled();
  release.resolve();
  await slow;
  source.committed();
  await settled();
  expect(await received()).toEqual(['fast', 'slow']);
});

test('the numbers of a source have no gap for each of its consumers', async () => {
  startRelay();
  await source.db
    .insertInto('outgoingEvent')
    .values(words(30).map((word, index) => ({ ...row(word), consumer: index % 3 === 0 ? 'audit' : 'data' })))
    .execute();
  await source.db.transaction().execute(async (tx) => void (await tx.insertInto('outgoingEvent').values(row('x')).execute()));
  startConsumer();
  source.committed();
  const numbers = async (consumer: string): Promise<number[]> =>
    (await source.db.selectFrom('outgoingEvent').select('sourceSeq').where('consumer', '=', consumer).orderBy('sourceSeq').execute()).map(
      ({ sourceSeq }) => Number(sourceSeq),
    );
  while ((await numbers('data')).includes(0)) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await numbers('audit')).toEqual(Array.from({ length: 10 }, (_, index) => index + 1));
  expect(await numbers('data')).toEqual(Array.from({ length: 21 }, (_, index) => index + 1));
});

test('an event that cannot be taken in is kept with its bytes, and holds nothing up', async () => {
  startRelay();
  startConsumer();
  await send('before');
  await settled();
  await (await bus.get()).jetstream.publish(subjectOf('script', 'data', TYPE), Buffer.from([0xff, 0xff]));
  await send('poison', 'behind');
  await settled();
  expect(await received()).toEqual(['before', 'behind']);
  const dead = await target.db.selectFrom('deadLetter').selectAll().orderBy('reason').execute();
  expect(dead.map(({ reason }) => reason)).toEqual(['handler failed', 'unreadable']);
  expect(Envelope.decode(dead[0]?.bytes ?? Buffer.alloc(0)).payload.toString()).toBe('poison');
  expect(dead[1]?.bytes).toEqual(Buffer.from([0xff, 0xff]));
});

test('a Postgres that ends its connections costs no event', async () => {
  let passings = 0;
  // As the driver says it, for the batch and for each event alone.
  const terminate = (): void => {
    passings += 1;
    if (passings < 7) armFailpoint('ingest.before', terminate);
    throw new Error('Connection terminated unexpectedly');
  };
  armFailpoint('ingest.before', terminate);
  startRelay();
  startConsumer();
  await send(...words(5));
  await settled();
  expect(passings).toBe(7);
  expect(await received()).toEqual(words(5));
  expect(await target.db.selectFrom('deadLetter').selectAll().execute()).toEqual([]);
});

test('what was sent while NATS was away arrives once', async () => {
  startRelay();
  startConsumer();
  await send('first');
  await settled();
  await nats.stop();
  await send(...words(10));
  await nats.start();
  await settled();
  expect(await received()).toEqual(['first', ...words(10)]);
}, 60_000);

test('what NATS lost with all its data is sent again, and arrives once', async () => {
  const published = async (): Promise<boolean> =>
    (await source.db.selectFrom('outgoingEvent').select('id').where('publishTime', 'is not', null).execute()).length === 10;
  startRelay();
  await send(...words(10));
  while (!(await published())) await new Promise((resolve) => setTimeout(resolve, 50));
  await nats.stop();
  rmSync(join(folder, 'nats', 'store'), { recursive: true });
  await nats.start();
  startConsumer();
  await settled();
  expect(await received()).toEqual(words(10));
}, 60_000);

test('an event whose time has not come is taken in once it has, and those after it are not held up', async () => {
  startRelay();
  startConsumer();
  await send('early', 'after');
  await until(async () => ((await received()).includes('after') ? true : undefined));
  expect(await received()).not.toContain('early');
  ready = true;
  await until(async () => ((await received()).includes('early') ? true : undefined));
  expect((await received()).filter((word) => word === 'early')).toHaveLength(1);
});

test('100,000 events for a consumer that is away delay no event for another', async () => {
  await sql`
    insert into outgoing_event (event_id, consumer, type, payload, traceparent)
    select gen_random_uuid(), 'audit', ${TYPE}, 'x'::bytea, '' from generate_series(1, 100000)`.execute(source.db);
  startRelay();
  startConsumer();
  // The backlog is being published, and later repeated, all the time.
  await until(async () => ((await publishedCount()) > 5_000 ? true : undefined));
  for (const word of ['first', 'second', 'third']) {
    const start = Date.now();
    await send(word);
    await until(async () => ((await received()).includes(word) ? true : undefined));
    expect(Date.now() - start).toBeLessThan(3_000);
  }
});

test('an event that the bus can never take is set aside where a person sees it, and later ones arrive', async () => {
  startRelay();
  startConsumer();
  await source.db
    .insertInto('outgoingEvent')
    .values({ ...row('x'), payload: Buffer.alloc(9 * 1024 * 1024) })
    .execute();
  await send('after');
  await settled();
  expect(await received()).toEqual(['after']);
  const aside = await source.db.selectFrom('outgoingEvent').select(['payload', 'type']).where('setAside', '=', true).execute();
  expect(aside.map(({ payload, type }) => [payload.length, type])).toEqual([[9 * 1024 * 1024, TYPE]]);
  expect((await target.db.selectFrom('deadLetter').selectAll().execute()).length).toBe(1);
});

test('a connection that was closed for good is made again', async () => {
  startRelay();
  startConsumer();
  await send('before');
  await settled();
  await (await bus.get()).nats.close();
  await send('after');
  await settled();
  expect(await received()).toEqual(['after', 'before']);
});

test('a server that wants other credentials for a while is reached again when the right ones are back', async () => {
  startRelay();
  startConsumer();
  await send('before');
  await settled();
  await nats.stop();
  await nats.start({ users: [{ name: 'lethe', password: 'another' }] });
  await send('meanwhile');
  await new Promise((resolve) => setTimeout(resolve, 3_000));
  await nats.stop();
  await nats.start();
  await settled();
  expect(await received()).toEqual(['before', 'meanwhile']);
});
