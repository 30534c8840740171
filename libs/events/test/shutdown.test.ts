// The end of the loops: whatever a loop is doing when its service ends, it ends too.
import { openStore, type Store } from '@lethe/db/open';
import { serviceDatabaseUrl } from '@lethe/servers/provision';
import { createLogger } from '@lethe/service/logger';
import { startTestNats, type TestNats } from '@lethe/testkit/servers';
import { copyTemplate } from '@lethe/testkit/template';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import '@lethe/testkit/suite';
import { connectBus, type Bus } from '../src/connect.ts';
import { runConsumer } from '../src/consume.ts';
import { runRelay } from '../src/relay.ts';

const LIMIT_MS = 3_000;
const log = createLogger('test', 'silent');

let folder: string;
let nats: TestNats;
let database: Awaited<ReturnType<typeof copyTemplate>>;
let store: Store;
let bus: Bus;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-shutdown-'));
  nats = await startTestNats(folder);
  database = await copyTemplate(inject('postgresUrl'));
  const url = serviceDatabaseUrl(inject('postgresUrl'), database.database, 'script', inject('passwords'));
  store = openStore({ url, schema: 'lethe_script' });
  bus = await connectBus(nats.url, 'test');
});
afterAll(async () => {
  await bus.nats.close();
  await store.close();
  await database.drop();
  await nats.stop();
  rmSync(folder, { recursive: true, force: true });
});

const endsInTime = (loop: Promise<void>): Promise<boolean> => Promise.race([loop.then(() => true), sleep(LIMIT_MS, false, { ref: false })]);

const consume = (signal: AbortSignal, connected: () => Promise<Bus> = () => Promise.resolve(bus)): Promise<void> =>
  runConsumer({ store, bus: { get: connected, close: () => {} }, noun: 'script', events: { handlers: new Map() }, log, signal });

describe('a consumer', () => {
  // From before its first request to NATS until it waits for events: the connection stays open, so that only the signal ends it.
  test.each(Array.from({ length: 12 }, (_, index) => index * 2))('that is ended %i ms after its start ends', async (afterMs) => {
    const ending = new AbortController();
    const loop = consume(ending.signal);
    await sleep(afterMs);
    ending.abort();
    expect(await endsInTime(loop)).toBe(true);
  });

  test('that is ended before NATS was ever there ends', async () => {
    const ending = new AbortController();
    ending.abort();
    expect(await endsInTime(consume(ending.signal, () => new Promise(() => {})))).toBe(true);
  });
});

describe('a relay', () => {
  test('that is ended while it waits ends', async () => {
    const ending = new AbortController();
    const loop = runRelay({
      store,
      bus: { get: () => Promise.resolve(bus), close: () => {} },
      source: 'script',
      log,
      signal: ending.signal,
    });
    await sleep(50);
    ending.abort();
    expect(await endsInTime(loop)).toBe(true);
  });

  test('that is ended before NATS was ever there ends', async () => {
    const ending = new AbortController();
    ending.abort();
    const loop = runRelay({
      store,
      bus: { get: () => new Promise<Bus>(() => {}), close: () => {} },
      source: 'script',
      log,
      signal: ending.signal,
    });
    expect(await endsInTime(loop)).toBe(true);
  });
});
