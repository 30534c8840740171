// Calls through the whole chain beside a bare echo, and audited calls beside bare commits.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, credentials } from '@grpc/grpc-js';
import {
  CheckAccessRequest,
  CreateTokenRequest,
  GetUserRequest,
  ListNotificationsRequest,
} from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { databaseUrl, runSql } from '@lethe/servers/provision';
import { Pool } from 'pg';
import { ECHO_PATH } from './echo-path.ts';
import { measureLoad, rawCall, type Load } from './load.ts';
import type { BenchOptions } from './options.ts';
import { withStack, type OwnStack } from './own-stack.ts';
import { INSPECTED, profileWhile } from './profile.ts';
import { lineOf, type Line } from './table.ts';

const ROUNDS = 5;
const ROUND_MS = 1_500;
const WARM_UP_MS = 2_500;
const CONCURRENCY = 32;
// As many connections as a service takes of its database.
const CONNECTIONS = 10;
const ROW_BYTES = 600;
const USER_MAIN = 'services/user-manager/src/main.ts';

type Call = { name: string; send: () => Promise<unknown> };

const startEcho = async (): Promise<{ address: string; stop: () => void }> => {
  const child = fork(fileURLToPath(new URL('echo-server.ts', import.meta.url)));
  const [{ port }] = (await once(child, 'message')) as [{ port: number }];
  return { address: `127.0.0.1:${port}`, stop: () => child.disconnect() };
};

const openCommits = async (url: string): Promise<{ send: () => Promise<unknown>; close: () => Promise<void> }> => {
  await runSql(url, ['create database bench']);
  const pool = new Pool({ connectionString: databaseUrl(url, 'bench'), max: CONNECTIONS });
  await pool.query('create table rows (id uuid primary key, payload bytea not null, time timestamptz not null default now())');
  const payload = Buffer.alloc(ROW_BYTES, 7);
  const send = (): Promise<unknown> =>
    pool.query({ name: 'insert', text: 'insert into rows (id, payload) values ($1, $2)', values: [randomUUID(), payload] });
  return { send, close: () => pool.end() };
};

const bytesOf = (encoded: { finish: () => Uint8Array }): Buffer => Buffer.from(encoded.finish());

const makeConnection = async ({ people: { admin } }: OwnStack): Promise<string> => {
  const { group } = await admin.user.createGroup({ displayName: 'bench' });
  const settings = { host: '127.0.0.1', database: 'bench', user: 'bench' };
  const made = await admin.extdatamodule.createConnection({ groupId: group?.id ?? '', displayName: 'bench', type: 'postgres', settings });
  return made.connection?.id ?? '';
};

const callsOf = async (own: OwnStack, client: Client): Promise<Record<'read' | 'poll' | 'check' | 'change', Call>> => {
  const { admin } = own.people;
  const connectionId = await makeConnection(own);
  const call = (rpc: string): ((request: Buffer) => Promise<Buffer>) => rawCall(client, `/lethe.user.v1.UserManager/${rpc}`, admin.token);
  const [getUser, listNotifications, checkAccess, createToken] = ['GetUser', 'ListNotifications', 'CheckAccess', 'CreateToken'].map(call);
  if (!getUser || !listNotifications || !checkAccess || !createToken) throw new Error('no calls');
  const read = bytesOf(GetUserRequest.encode(GetUserRequest.fromPartial({})));
  const poll = bytesOf(ListNotificationsRequest.encode(ListNotificationsRequest.fromPartial({})));
  const check = bytesOf(CheckAccessRequest.encode(CheckAccessRequest.fromPartial({ connectionId, access: Access.READ })));
  const change = (): Buffer =>
    bytesOf(CreateTokenRequest.encode(CreateTokenRequest.fromPartial({ displayName: randomUUID(), scopes: ['user.read'] })));
  return {
    read: { name: 'GetUser (audited)', send: () => getUser(read) },
    poll: { name: 'ListNotifications', send: () => listNotifications(poll) },
    check: { name: 'CheckAccess (asks a second service)', send: () => checkAccess(check) },
    change: { name: 'CreateToken (audited change)', send: () => createToken(change()) },
  };
};

/** Figure and ceiling alternate, after a warm-up of each. */
const compare = async (figure: () => Promise<unknown>, ceiling: () => Promise<unknown>): Promise<{ own: Load[]; top: Load[] }> => {
  const own: Load[] = [];
  const top: Load[] = [];
  for (const send of [figure, ceiling]) await measureLoad(send, CONCURRENCY, WARM_UP_MS);
  for (let round = 0; round < ROUNDS; round++) {
    own.push(await measureLoad(figure, CONCURRENCY, ROUND_MS));
    top.push(await measureLoad(ceiling, CONCURRENCY, ROUND_MS));
  }
  return { own, top };
};

const rateLine = (name: string, ceilingName: string, { own, top }: { own: Load[]; top: Load[] }): Line =>
  lineOf(
    name,
    'calls/s',
    own.map(({ perSecond }) => perSecond),
    { name: ceilingName, values: top.map(({ perSecond }) => perSecond) },
  );

const latencyLines = (name: string, { own, top }: { own: Load[]; top: Load[] }): Line[] => {
  const pick = (key: 'p50Ms' | 'p99Ms', loads: Load[]): number[] => loads.map((load) => load[key]);
  return (['p50Ms', 'p99Ms'] as const).map((key) =>
    lineOf(`${name}, ${key.slice(0, 3)}`, 'ms', pick(key, own), { name: 'bare echo', values: pick(key, top) }),
  );
};

const bench = async (own: OwnStack, profile: boolean): Promise<Line[]> => {
  const echo = await startEcho();
  const commits = await openCommits(own.stack.postgres.url);
  const client = new Client(own.stack.addresses.user, credentials.createInsecure());
  const echoClient = new Client(echo.address, credentials.createInsecure());
  try {
    const calls = await callsOf(own, client);
    const message = (await calls.read.send()) as Buffer;
    const sendEcho = rawCall(echoClient, ECHO_PATH, '');
    const lines: Line[] = [];
    const log = join(own.stack.logs, 'user.log');
    const maybeProfiled = <R>(title: string, work: () => Promise<R>): Promise<R> =>
      profile ? profileWhile(title, log, USER_MAIN, work) : work();
    for (const { name, send } of [calls.read, calls.poll, calls.check]) {
      const loads = await maybeProfiled(name, () => compare(send, () => sendEcho(message)));
      lines.push(rateLine(name, 'bare echo', loads), ...latencyLines(name, loads));
    }
    for (const { name, send } of [calls.read, calls.change]) {
      const loads = await maybeProfiled(name, () => compare(send, commits.send));
      lines.push(rateLine(name, 'bare INSERT commits', loads));
    }
    return lines;
  } finally {
    client.close();
    echoClient.close();
    await commits.close();
    echo.stop();
  }
};

/** `npm run bench -- rpc`. */
export const benchRpc = ({ profile }: BenchOptions): Promise<Line[]> => withStack(profile ? INSPECTED : {}, (own) => bench(own, profile));
