// Requests that never end, and what anybody can send before it is known who they are: neither memory nor places are taken by them.
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import type { ClientHttp2Session, ClientHttp2Stream } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { framed, openCall, openSession, slowestMs, statusOf } from '../support/raw-http2.ts';

let suite: Suite;
let people: People;
const sessions: ClientHttp2Session[] = [];
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());
afterEach(async () => {
  for (const session of sessions.splice(0)) session.destroy();
  // The server hears of a connection's end a little later.
  await sleep(500);
});

const SAVE = '/lethe.script.v1.ScriptManager/CreateScript';
const LIST = '/lethe.script.v1.ScriptManager/ListScripts';
const MB = 1_048_576;
const [INVALID_ARGUMENT, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, UNAUTHENTICATED] = [3, 4, 8, 16];

const session = (): ClientHttp2Session => {
  const opened = openSession(suite.addresses.script);
  sessions.push(opened);
  return opened;
};

const listScripts = (): Promise<unknown> => people.editor.script.listScripts({ groupId: people.groupId });

// All but the last kB of what it says that it has.
const ALMOST = framed(Buffer.alloc(4 * MB - 2_048), 4 * MB - 1_024);

const sendAlmost = (on: ClientHttp2Session): ClientHttp2Stream => {
  const stream = openCall(on, SAVE, 'made-up');
  stream.write(ALMOST);
  return stream;
};

describe('a request', () => {
  test('without a credential is refused before any of it is read', async () => {
    expect(await statusOf(openCall(session(), SAVE))).toBe(UNAUTHENTICATED);
  });

  test('that says it has more than its method takes is refused before it has sent it', async () => {
    const stream = openCall(session(), LIST, 'made-up');
    stream.write(framed(Buffer.alloc(10), 262_145));
    expect(await statusOf(stream)).toBe(RESOURCE_EXHAUSTED);
  });

  test.each([
    ['that is compressed', Buffer.concat([Buffer.from([1]), framed(Buffer.alloc(10)).subarray(1)])],
    ['of two messages', Buffer.concat([framed(Buffer.alloc(0)), framed(Buffer.alloc(10))])],
  ])('%s is refused before it is unpacked', async (_name, bytes) => {
    const stream = openCall(session(), LIST, people.editor.token);
    stream.write(bytes);
    expect(await statusOf(stream)).toBe(INVALID_ARGUMENT);
  });

  test('that is not whole within 15 s is ended', async () => {
    const started = performance.now();
    expect(await statusOf(sendAlmost(session()))).toBe(DEADLINE_EXCEEDED);
    expect(performance.now() - started).toBeGreaterThan(14_000);
  });
});

describe('many requests', () => {
  test('of 4 MB that never end take the places of a few, and calls of others are served meanwhile', async () => {
    const [first, second] = [session(), session()];
    let open = 0;
    let most = 0;
    const attack = async (): Promise<void> => {
      for (let count = 0; count < 300; count += 1) {
        open += 1;
        void statusOf(sendAlmost(count % 2 === 0 ? first : second)).then(() => (open -= 1));
        await sleep(40);
        most = Math.max(most, open);
      }
    };
    // Who attacks works in this process too.
    expect(await slowestMs(attack(), listScripts)).toBeLessThan(3_000);
    // 128 MB of 4 MB each, and those that have not heard of their end.
    expect(most).toBeLessThan(64);
  });

  test('that never begin leave their places to those that come later', async () => {
    const open = [session(), session(), session()].flatMap((on) => Array.from({ length: 500 }, () => openCall(on, LIST, 'made-up')));
    const ends = open.map(statusOf);
    await sleep(1_500);
    for (let count = 0; count < 20; count += 1) await listScripts();
    expect(await Promise.race(ends)).toBe(RESOURCE_EXHAUSTED);
  });
});

test('connections beyond a number are closed, and those that are open are served', async () => {
  const [host, port] = suite.addresses.script.split(':');
  let closed = 0;
  const sockets = Array.from({ length: 530 }, (): Socket => {
    const socket = connect({ host: host ?? '', port: Number(port) });
    socket.on('error', () => {});
    return socket.on('close', () => (closed += 1));
  });
  await sleep(2_000);
  expect(closed).toBeGreaterThan(0);
  await listScripts();
  for (const socket of sockets) socket.destroy();
});
