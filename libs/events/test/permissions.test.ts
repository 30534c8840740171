// Each service is a user of its own on NATS: it sends in its own name and reads what is for it.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { startTestNats, type TestNats } from '@lethe/testkit/servers';
import { subjectsOf } from '@lethe/servers/nats';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Noun } from '@lethe/contracts/nouns';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectBus, ensureStream, STREAM } from '../src/connect.ts';

let folder: string;
let nats: TestNats;
const open: NatsConnection[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-permissions-'));
  nats = await startTestNats(folder);
  await nats.stop();
  await nats.start({ users: (['script', 'data', 'audit'] as const).map((name) => ({ name, password: name, subjects: subjectsOf(name) })) });
});
afterAll(async () => {
  for (const connection of open) await connection.close();
  await nats.stop();
  rmSync(folder, { recursive: true, force: true });
});

const as = async (noun: Noun): Promise<NatsConnection> => {
  const url = new URL(nats.url);
  url.username = noun;
  url.password = noun;
  const bus = await connectBus(url.href, noun);
  open.push(bus.nats);
  await ensureStream(bus);
  return bus.nats;
};

const consumerOf = (connection: NatsConnection, name: string, filter: string): Promise<unknown> =>
  jetstreamManager(connection).then((manager) => manager.consumers.add(STREAM, { durable_name: name, filter_subject: filter }));

test.skipIf(process.env['TEST_NATS_URL'] !== undefined)('a service sends its events, and reads those for it', async () => {
  const [script, data] = [await as('script'), await as('data')];
  await consumerOf(data, 'data', 'lethe.*.data.>');
  await jetstream(script).publish('lethe.script.data.Word', Buffer.from('hello'));
  const consumer = await jetstream(data).consumers.get(STREAM, 'data');
  const message = await consumer.next({ expires: 2_000 });
  expect(message?.data.toString()).toBe('hello');
  message?.ack();
});

test.skipIf(process.env['TEST_NATS_URL'] !== undefined)('a service is refused to send in the name of another', async () => {
  const script = await as('script');
  await expect(jetstream(script).publish('lethe.task.data.RunCommanded', Buffer.from('x'), { timeout: 1_500 })).rejects.toThrow();
});

test.skipIf(process.env['TEST_NATS_URL'] !== undefined)('a service is refused to read what is for another', async () => {
  const script = await as('script');
  await expect(consumerOf(script, 'script', 'lethe.*.audit.>')).rejects.toThrow();
  await expect(consumerOf(script, 'audit', 'lethe.*.audit.>')).rejects.toThrow();
  await expect(consumerOf(script, 'script', 'lethe.>')).rejects.toThrow();
  const heard = script.subscribe('lethe.*.audit.>');
  await expect(heard[Symbol.asyncIterator]().next()).rejects.toThrow();
});
