import { once } from 'node:events';
import { createServer, get, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { startBroker, type Broker } from './broker.ts';

let upstream: Server;
let broker: Broker;
afterEach(() => {
  broker.close();
  upstream.closeAllConnections();
  upstream.close();
});

/** A broker before a server; `received` counts what goes to the script. */
const open = async (respond: Parameters<typeof createServer>[1]): Promise<{ received: () => number; control: AbortController }> => {
  upstream = createServer(respond as never);
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const { port } = upstream.address() as AddressInfo;
  const connection = {
    id: 'c',
    groupId: 'g',
    name: 'n',
    type: 'http',
    settings: { baseUrl: `http://127.0.0.1:${port}` },
    secret: {},
  };
  let received = 0;
  const control = new AbortController();
  const onReceived = (sizeBytes: number): void => {
    received += sizeBytes;
  };
  const limits = { privateTargets: () => true, fileRoot: '', sourceTimeoutMs: 60_000 };
  broker = await startBroker(connection, limits, { signal: control.signal, onReceived });
  return { received: () => received, control };
};

const ask = (path = '/', key = broker.key): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    get({ port: broker.port, host: '127.0.0.1', path, agent: false, headers: { 'lethe-broker-key': key } }, resolve).on('error', reject);
  });

const CHUNK = Buffer.alloc(65_536, 120);

test('a script that does not read what it asked for does not make the broker hold it', async () => {
  const { received } = await open((_request, response) => {
    const flood = (): void => {
      while (!response.destroyed && response.write(CHUNK));
      if (!response.destroyed) response.once('drain', flood);
    };
    flood();
  });
  const response = await ask();
  await sleep(1_500);
  const held = received();
  await sleep(500);
  expect(received()).toBe(held);
  expect(held).toBeLessThan(32 * 1024 * 1024);
  response.destroy();
});

test('a body that breaks off is no body that ends, and an abort ends every request', async () => {
  const { control } = await open((_request, response) => {
    response.write(CHUNK);
    setTimeout(() => response.destroy(), 100);
  });
  const read = async (): Promise<number> => {
    let size = 0;
    for await (const chunk of await ask()) size += (chunk as Buffer).length;
    return size;
  };
  await expect(read()).rejects.toThrow();
  upstream.removeAllListeners('request').on('request', (_request, response) => void response.write(CHUNK));
  const waiting = read();
  await sleep(200);
  control.abort();
  await expect(waiting).rejects.toThrow();
});

test('a script gets so many responses at a time and no more', async () => {
  await open((_request, response) => void response.write(CHUNK));
  const responses = await Promise.all(Array.from({ length: 12 }, () => ask()));
  expect(responses.filter(({ statusCode }) => statusCode === 503).length).toBe(4);
  responses.forEach((response) => response.destroy());
});

test.each(['', 'x'.repeat(43)])('the key %j, which is not its own, gets nothing, and nothing is asked upstream for it', async (key) => {
  const asked: (string | undefined)[] = [];
  await open((request, response) => {
    asked.push(request.url);
    response.end('{}');
  });
  expect((await ask('/rows', key)).statusCode).toBe(401);
  expect(asked).toEqual([]);
});

test('a name that stands twice in a query is asked for twice', async () => {
  const asked: (string | undefined)[] = [];
  await open((request, response) => {
    asked.push(request.url);
    response.end('{}');
  });
  (await ask('/rows?id=1&id=2&of=%26')).resume();
  expect(asked).toEqual(['/rows?id=1&id=2&of=%26']);
});
