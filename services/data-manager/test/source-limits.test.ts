// What one source may take: time, bytes, and what a server may send that nobody asked for.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { makePeople, type People } from '@lethe/testkit/people';
import { startRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits, visitRows } from '@lethe/testkit/visits';
import { once } from 'node:events';
import { createServer as createHttp, type ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

const MAX_BYTES = 2_000_000;
const TIMEOUT_MS = 4_000;

let suite: Suite;
let people: People;
const servers: Server[] = [];
beforeAll(async () => {
  suite = await startSuite({
    settings: { LETHE_SOURCE_MAX_BYTES: String(MAX_BYTES), LETHE_SOURCE_TIMEOUT_MS: String(TIMEOUT_MS), LETHE_MAX_ATTEMPTS: '0' },
  });
  people = await makePeople(suite);
});
afterAll(async () => {
  servers.forEach((server) => server.close());
  await suite.close();
});

const listen = async (server: Server): Promise<number> => {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
};

/** How a run over an http source ends. */
const endOf = async (respond: (response: ServerResponse) => void): Promise<unknown> => {
  const port = await listen(createHttp((_request, response) => respond(response)));
  const { taskId } = await makeVisits(suite, people.editor, people.groupId, `http://127.0.0.1:${port}`);
  const runId = await startRun(people.manager, taskId);
  return until(async () => {
    const { run } = await people.manager.task.getRun({ runId });
    return run?.state === RunState.FAILED || run?.state === RunState.PREPARED ? run : undefined;
  }, 40_000);
};

const ROWS = JSON.stringify(visitRows(40));

test('a source that gives more bytes than a source may is ended, and named', async () => {
  const text = JSON.stringify({ rows: visitRows(40), padding: 'x'.repeat(MAX_BYTES * 2) });
  const run = await endOf((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text));
  expect(run).toMatchObject({ errorInfo: { reason: 'SOURCE_TOO_LARGE', table: 'visits', stage: RunState.EXTRACTING } });
});

test('a source that never comes to its end is ended after its time, and named', async () => {
  const run = await endOf((response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).write(`{"rows": ${ROWS}`);
    const drip = setInterval(() => response.write(' '), 200);
    response.on('close', () => clearInterval(drip));
  });
  expect(run).toMatchObject({ errorInfo: { reason: 'SOURCE_TOO_SLOW', table: 'visits', stage: RunState.EXTRACTING } });
});

/** Tests a connection to a Postgres at a port of this machine. */
const testPostgres = async (port: number) => {
  const { connection } = await people.editor.extdatamodule.createConnection({
    groupId: people.groupId,
    displayName: randomUUID(),
    type: 'postgres',
    settings: { host: '127.0.0.1', port, database: 'd', user: 'u', tls: 'disable' },
    secret: { values: { password: 'p' } },
  });
  return people.editor.extdatamodule.testConnection({ connectionId: connection?.id ?? '' });
};

const message = (type: string, body: Buffer): Buffer => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const READY = message('Z', Buffer.from('I'));

/** A server that lets everybody in and sends one row after the other, for as long as it is read, whatever it is asked. */
const endlessPostgres = (sent: { bytes: number }): Server =>
  createServer((socket) => {
    socket.on('error', () => {});
    let isIn = false;
    const row = message('D', Buffer.concat([Buffer.from([0, 1, 0, 1, 0, 0]), Buffer.alloc(65_536, 120)]));
    const flood = (): void => {
      while (!socket.destroyed && socket.write(row)) sent.bytes += row.length;
      if (!socket.destroyed) socket.once('drain', flood);
    };
    socket.on('data', (chunk) => {
      const asked = chunk.toString('latin1');
      if (!isIn) {
        isIn = true;
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), READY]));
      } else if (/^Q.{4}(?:set|begin)/is.test(asked)) socket.write(Buffer.concat([message('C', Buffer.from('SET\0')), READY]));
      else {
        const field = Buffer.concat([Buffer.from([0, 1]), Buffer.from('server_version\0'), Buffer.alloc(18)]);
        socket.write(message('T', field));
        row.writeInt32BE(65_536, 7);
        flood();
      }
    });
  });

test('a database that responds to a look with rows without end is left after a bound, and the connection is said to be unreadable', async () => {
  const sent = { bytes: 0 };
  const port = await listen(endlessPostgres(sent));
  const outcome = await testPostgres(port).catch((error: unknown) => error);
  expect(JSON.stringify(outcome, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).toContain(
    'RESPONSE_TOO_LARGE',
  );
  expect(sent.bytes).toBeLessThan(200_000_000);
});

test('a database that greets without end is left after a bound', async () => {
  let sent = 0;
  const chunk = Buffer.alloc(65_536, 120);
  const head = message('N', Buffer.alloc(0));
  head.writeInt32BE(2_000_000_000, 1);
  const port = await listen(
    createServer((socket) => {
      socket.on('error', () => {});
      const flood = (): void => {
        while (!socket.destroyed && socket.write(chunk)) sent += chunk.length;
        if (!socket.destroyed) socket.once('drain', flood);
      };
      socket.once('data', () => {
        socket.write(Buffer.concat([message('R', Buffer.alloc(4)), head]));
        flood();
      });
    }),
  );
  const tested = await testPostgres(port);
  expect(tested.reachable).toBe(false);
  expect(sent).toBeLessThan(50_000_000);
});
