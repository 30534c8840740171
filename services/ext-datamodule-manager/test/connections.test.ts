// Connections through the wire: what TestConnection describes, how an address is read, and how a secret is changed.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { makePostgresConnection, makeWorker, postgresAddress, query } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let worker: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
  await query(suite, `create schema shop; create table shop.orders (number bigint not null, amount numeric(8, 2), note text)`);
});
afterAll(() => suite.close());

const create = (address: { type: string; uri?: string; settings?: Record<string, unknown>; secret?: { values: Record<string, string> } }) =>
  worker.extdatamodule.createConnection({ groupId, displayName: randomUUID(), ...address });

const load = async (connectionId: string): Promise<Connection> => {
  const { connection } = await worker.extdatamodule.getConnection({ connectionId });
  if (!connection) throw new Error('there is no connection');
  return connection;
};

describe('TestConnection', () => {
  test('describes the tables and columns of a database', async () => {
    const response = await worker.extdatamodule.testConnection({
      connectionId: await makePostgresConnection(suite, worker, groupId, 'shop'),
    });
    expect(response).toMatchObject({ reachable: true, error: '', truncated: false });
    expect(response.serverVersion).toMatch(/\d/);
    expect(response.tables.find(({ schema, name }) => schema === 'shop' && name === 'orders')?.columns).toEqual([
      { name: 'number', sourceType: 'bigint', nullable: false },
      { name: 'amount', sourceType: 'numeric(8,2)', nullable: true },
      { name: 'note', sourceType: 'text', nullable: true },
    ]);
  });

  test('returns what is wrong as a code, and neither password nor user', async () => {
    const { type, settings } = postgresAddress(suite, 'shop');
    const made = await create({ type, settings: { ...settings, user: 'nobody_here' }, secret: { values: { password: 'wrong-horse' } } });
    const response = await worker.extdatamodule.testConnection({ connectionId: made.connection?.id ?? '' });
    expect(response).toMatchObject({ reachable: false, tables: [] });
    expect(response.error).toMatch(/^POSTGRES_DENIED: .*\(28\w{3}\)/);
    expect(response.error).not.toMatch(/wrong-horse|nobody_here/);
  });
});

describe('a uri', () => {
  test('is split into settings and a secret that is not read back', async () => {
    const uri = 'postgresql://ada:p%40ss%2Fword@db.example.org:6543/registry?sslmode=require';
    const { connection } = await create({ type: 'postgres', uri });
    expect(connection?.settings).toEqual({
      host: 'db.example.org',
      port: 6543,
      database: 'registry',
      user: 'ada',
      tls: 'require',
      schema: 'public',
    });
    expect(connection?.secretSet).toBe(true);
    expect(JSON.stringify(await load(connection?.id ?? ''))).not.toMatch(/p@ss|p%40ss/);
  });

  test('of an HTTP source gives base and token', async () => {
    const { connection } = await create({ type: 'http', uri: 'https://:a-token@api.example.org/v1/' });
    expect(connection).toMatchObject({ settings: { baseUrl: 'https://api.example.org/v1' }, secretSet: true });
  });

  test.each([
    ['of another type', { type: 'postgres', uri: 'mysql://ada@db.example.org/registry' }],
    ['without a database', { type: 'postgres', uri: 'postgres://ada@db.example.org' }],
    ['that is none', { type: 'postgres', uri: 'db.example.org' }],
    ['beside settings', { type: 'postgres', uri: 'postgres://ada@db.example.org/registry', settings: { host: 'x' } }],
    ['of a folder', { type: 'file', uri: 'file:///etc' }],
  ])('%s is refused by its field', async (_name, address) => {
    await expect(create(address)).rejects.toMatchObject({ reason: 'URI_INVALID', fields: [{ field: 'uri', rule: 'URI_INVALID' }] });
  });
});

describe('settings', () => {
  test.each([
    ['a type that is none', { type: 'oracle', settings: {} }, 'TYPE_UNKNOWN', 'type'],
    [
      'a port beyond the last',
      { type: 'postgres', settings: { host: 'h', database: 'd', user: 'u', port: 65_536 } },
      'SETTINGS_INVALID',
      'settings#/port',
    ],
    ['a folder above the root', { type: 'file', settings: { path: '../other' } }, 'SETTINGS_INVALID', 'settings#/path'],
    [
      'a header whose value ends the line',
      { type: 'http', settings: { baseUrl: 'https://api.example.org', headers: { a: 'b\r\nc: d' } } },
      'SETTINGS_INVALID',
      'settings#/headers/a',
    ],
    [
      'a port of a URL beyond the last',
      { type: 'http', settings: { baseUrl: 'https://api.example.org:99999' } },
      'SETTINGS_INVALID',
      'settings#/baseUrl',
    ],
    ['an address that is none', { type: 'http', settings: { baseUrl: 'http://[::1' } }, 'SETTINGS_INVALID', 'settings#/baseUrl'],
    [
      'a token of two lines',
      { type: 'http', settings: { baseUrl: 'https://api.example.org' }, secret: { values: { token: 'a\nb' } } },
      'SETTINGS_INVALID',
      'secret.values#/token',
    ],
    [
      'a secret that the type does not have',
      { type: 'postgres', settings: { host: 'h', database: 'd', user: 'u' }, secret: { values: { token: 't' } } },
      'SETTINGS_INVALID',
      'secret.values#',
    ],
  ])('with %s are refused by place', async (_name, address, reason, field) => {
    await expect(create(address)).rejects.toMatchObject({ reason, fields: [{ field }] });
  });
});

test.each(['a b', 'Authorization ', 'x:y', 'ü', 'Trailer', 'host', 'Transfer-Encoding'])('a header named %j is refused', async (name) => {
  const made = create({ type: 'http', settings: { baseUrl: 'https://api.example.org', headers: { [name]: 'x' } } });
  await expect(made).rejects.toMatchObject({ reason: 'SETTINGS_INVALID' });
});

describe('UpdateConnection', () => {
  test('puts a new secret in place of the old one, without a word of the rest of the address', async () => {
    const { type, settings, secret } = postgresAddress(suite, 'shop');
    const { connection } = await create({ type, settings, secret: { values: { password: 'not yet' } } });
    const before = await load(connection?.id ?? '');
    await worker.extdatamodule.updateConnection({
      connectionId: before.id,
      connection: before,
      secret,
      updateMask: ['secret'],
      etag: before.etag,
    });
    const after = await load(before.id);
    expect(after.settings).toEqual(before.settings);
    expect(after.secretUpdateTime?.getTime()).toBeGreaterThan(before.secretUpdateTime?.getTime() ?? Infinity);
    expect((await worker.extdatamodule.testConnection({ connectionId: before.id })).reachable).toBe(true);
  });

  test('keeps the secret where the mask does not name it, and clears it where it is named without a value', async () => {
    const { type, settings } = postgresAddress(suite, 'shop');
    const { connection } = await create({ type, settings, secret: { values: { password: 'kept' } } });
    const before = await load(connection?.id ?? '');
    const change = { connectionId: before.id, connection: { ...before, description: 'another' } };
    await worker.extdatamodule.updateConnection({ ...change, updateMask: ['description'], etag: before.etag });
    const kept = await load(before.id);
    expect(kept).toMatchObject({ description: 'another', secretSet: true, secretUpdateTime: before.secretUpdateTime });
    await worker.extdatamodule.updateConnection({ ...change, updateMask: ['secret'], etag: kept.etag });
    expect((await load(before.id)).secretSet).toBe(false);
  });

  test('refuses an old view, and one without an etag', async () => {
    const { connection } = await create(postgresAddress(suite, 'shop'));
    const change = { connectionId: connection?.id ?? '', connection, updateMask: ['description'] };
    await expect(worker.extdatamodule.updateConnection({ ...change, etag: 'old' })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(worker.extdatamodule.updateConnection(change)).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  });

  test('leaves a connection with an owner', async () => {
    const { connection } = await create(postgresAddress(suite, 'shop'));
    if (!connection) throw new Error('there is no connection');
    const change = { connectionId: connection.id, connection: { ...connection, ownerIds: [] }, updateMask: ['owner_ids'], etag: '*' };
    await expect(worker.extdatamodule.updateConnection(change)).rejects.toMatchObject({ reason: 'OWNER_INVALID' });
  });
});

test('UserManager lists the connections that a user owns, page by page and without secrets, and those of nobody else', async () => {
  const owner = await suite.user();
  const made: string[] = [];
  for (let count = 0; count < 3; count += 1) {
    const { connection } = await worker.extdatamodule.createConnection({
      groupId,
      displayName: randomUUID(),
      ownerIds: [worker.id, owner.id],
      ...postgresAddress(suite, 'shop'),
    });
    made.push(connection?.id ?? '');
  }
  const { extdatamodule } = suite.clients(await suite.serviceToken('user', { audience: 'extdatamodule' }));
  const first = await extdatamodule.listOwnedConnections({ userId: owner.id, pageSize: 2 });
  const second = await extdatamodule.listOwnedConnections({ userId: owner.id, pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.connections, ...second.connections].map(({ id }) => id)).toEqual(made.toSorted());
  expect(second.nextPageToken).toBe('');
  expect((await extdatamodule.listOwnedConnections({ userId: randomUUID() })).connections).toEqual([]);
});
