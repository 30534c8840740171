// Reflection and health need no credential: whoever reaches the port may call them, and gets no memory and no time of others for it.
import { ServerReflectionRequest } from '@lethe/contracts/gen/grpc/reflection/v1/reflection';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import type { ClientHttp2Stream } from 'node:http2';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { framed, openCall, openSession, slowestMs, statusOf } from '../support/raw-http2.ts';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());
// The server hears of a connection's end a little later.
afterEach(() => sleep(500));

const REFLECTION = '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo';
const WATCH = '/grpc.health.v1.Health/Watch';
const RESOURCE_EXHAUSTED = 8;
const MB = 1_048_576;

const question = (symbol: string): Buffer => {
  const messageRequest = { $case: 'fileContainingSymbol', value: symbol } as const;
  return framed(Buffer.from(ServerReflectionRequest.encode({ host: '', messageRequest }).finish()));
};
const SYMBOL = question('lethe.task.v1.EtlTaskManager');

const listScripts = (): Promise<unknown> => people.editor.script.listScripts({ groupId: people.groupId });

describe('reflection', () => {
  test('asked 20,000 times by a client that reads nothing takes no memory, and calls of others are served meanwhile', async () => {
    const session = openSession(suite.addresses.script);
    const residentBefore = process.memoryUsage().rss;
    for (let count = 0; count < 10; count += 1)
      openCall(session, REFLECTION).end(Buffer.concat(Array.from({ length: 2_000 }, () => SYMBOL)));
    const slowest = await slowestMs(sleep(5_000), listScripts);
    const grown = process.memoryUsage().rss - residentBefore;
    session.destroy();
    expect(slowest).toBeLessThan(1_000);
    expect(grown).toBeLessThan(100 * MB);
  });

  test('asked on one stream without end ends the stream, and responds to a reasonable number before', async () => {
    const session = openSession(suite.addresses.script);
    const stream = openCall(session, REFLECTION);
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => (bytes += chunk.length));
    stream.end(Buffer.concat(Array.from({ length: 20_000 }, () => question('nothing.of.that.name'))));
    expect(await statusOf(stream)).toBe(RESOURCE_EXHAUSTED);
    expect(bytes).toBeGreaterThan(1_000 * 20);
    session.destroy();
  });
});

// A stream of reflection lasts until its client has sent its last request; one of health begins with the only one.
const asking = (stream: ClientHttp2Stream): unknown => stream.write(SYMBOL);
const watching = (stream: ClientHttp2Stream): unknown => stream.end(framed(Buffer.alloc(0)));

test.each([
  ['reflection', REFLECTION, asking],
  ['health', WATCH, watching],
])('streams of %s beyond a number are refused, and the number is free again when they end', async (_name, path, begin) => {
  const session = openSession(suite.addresses.script);
  const open = Array.from({ length: 64 }, () => openCall(session, path));
  for (const stream of open) begin(stream);
  await Promise.all(open.map((stream) => new Promise((resolve) => stream.once('response', resolve))));
  expect(await statusOf(openCall(session, path))).toBe(RESOURCE_EXHAUSTED);
  for (const stream of open) stream.destroy();
  await sleep(500);
  const again = openCall(session, path);
  begin(again);
  const headers = await new Promise<Record<string, unknown>>((resolve) => again.once('response', (received) => resolve(received)));
  expect(headers['grpc-status']).toBeUndefined();
  session.destroy();
});
