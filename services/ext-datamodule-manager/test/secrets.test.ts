// Secrets of connections: used by TestConnection, and in no response, record, event or column, whatever becomes of the call that brought them.
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { CreateConnectionRequest } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { makePeople, type People } from '@lethe/testkit/people';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { freePort } from '@lethe/testkit/servers';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'extdatamodule', 'data'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const canary = (): string => `canary-${randomUUID()}`;

const create = async (change: Partial<CreateConnectionRequest>): Promise<Connection> => {
  const { connection } = await people.editor.extdatamodule.createConnection({
    groupId: people.groupId,
    displayName: `connection ${randomUUID()}`,
    type: 'postgres',
    ...change,
  });
  return connection ?? Connection.fromPartial({});
};

const address = async (): Promise<{ host: string; port: number; database: string; user: string }> => ({
  host: '127.0.0.1',
  port: await freePort(),
  database: 'registry',
  user: 'reader',
});

const textOf = (response: unknown): string =>
  JSON.stringify(response, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));

/** Waits for the record of a call, and looks for the secret everywhere. */
const holders = async (secret: string, action: string, resource = ''): Promise<string[]> => {
  await until(async () => (await people.editor.audit.listAuditLogs({ actorId: people.editor.id, action, resource })).auditLogs[0]);
  return tablesHolding(suite.databaseUrl, secret);
};

test('a secret in the request, or in a uri, is set and never returned; its key and time are', async () => {
  const secret = canary();
  const structured = await create({ settings: await address(), secret: { values: { password: secret } } });
  const byUri = await create({ uri: `postgres://reader:${secret}@db.example.org/registry` });
  for (const connection of [structured, byUri]) {
    expect(connection).toMatchObject({ secretSet: true, secretKeyId: 'test' });
    expect(connection.secretUpdateTime).toBeInstanceOf(Date);
    const responses = [
      connection,
      await people.editor.extdatamodule.getConnection({ connectionId: connection.id }),
      await people.editor.extdatamodule.getAllConnection({ groupId: people.groupId }),
    ];
    expect(textOf(responses)).not.toContain(secret);
    expect(await holders(secret, 'CreateConnection', `connections/${connection.id}`)).toEqual([]);
  }
});

test('a creation that is repeated by its request id gives the same response, and keeps no secret for it', async () => {
  const secret = canary();
  const request = {
    displayName: 'once',
    settings: await address(),
    secret: { values: { password: secret } },
    requestId: randomUUID(),
  };
  const first = await create(request);
  expect(await create(request)).toEqual(first);
  await expect(create({ ...request, displayName: 'twice' })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  expect(await holders(secret, 'CreateConnection', `connections/${first.id}`)).toEqual([]);
});

test('TestConnection to a port where nobody listens says so, without the secret', async () => {
  const secret = canary();
  const { id } = await create({ settings: await address(), secret: { values: { password: secret } } });
  const response = await people.editor.extdatamodule.testConnection({ connectionId: id });
  expect(response).toMatchObject({ reachable: false, tables: [], serverVersion: '' });
  expect(response.error).toMatch(/^POSTGRES_AWAY: .*\(ECONNREFUSED\)/);
  expect(textOf(response)).not.toContain(secret);
  expect(await holders(secret, 'TestConnection', `connections/${id}`)).toEqual([]);
});

test('a new secret takes the place of the old one, by itself or with a uri, and an empty one in the mask clears it', async () => {
  const secrets = [canary(), canary(), canary()];
  const [first = '', second = '', third = ''] = secrets;
  const made = await create({ settings: await address(), secret: { values: { password: first } } });
  const update = async (change: object): Promise<Connection> => {
    const { connection } = await people.editor.extdatamodule.updateConnection({ connectionId: made.id, etag: '*', ...change });
    return connection ?? Connection.fromPartial({});
  };
  const changed = await update({ secret: { values: { password: second } } });
  expect(changed).toMatchObject({ settings: made.settings, secretSet: true });
  expect(changed.secretUpdateTime?.getTime()).toBeGreaterThan(made.secretUpdateTime?.getTime() ?? Infinity);
  const moved = await update({ uri: `postgres://writer:${third}@db.example.org/registry` });
  expect(moved).toMatchObject({ settings: { host: 'db.example.org', user: 'writer' }, secretSet: true });
  expect((await update({ updateMask: ['secret'] })).secretSet).toBe(false);
  for (const secret of secrets) expect(await holders(secret, 'UpdateConnection', `connections/${made.id}`)).toEqual([]);
});

test('a secret in a call that is refused is in neither the error nor its record', async () => {
  const secret = canary();
  const settings = await address();
  const refused: Partial<CreateConnectionRequest>[] = [
    { settings: { ...settings, port: 0 }, secret: { values: { password: secret } } },
    { settings, secret: { values: { token: secret } } },
    { uri: `mysql://reader:${secret}@db.example.org/registry` },
    { type: 'pigeon', settings, secret: { values: { password: secret } } },
  ];
  for (const change of refused) {
    const error: unknown = await create(change).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: expect.stringMatching(/^(?:SETTINGS_INVALID|URI_INVALID|TYPE_UNKNOWN)$/) as string });
    expect(textOf(error) + String(error)).not.toContain(secret);
  }
  expect(await holders(secret, 'CreateConnection')).toEqual([]);
});

test('a secret that is sent among the settings by mistake is refused, and in no record either', async () => {
  const secret = canary();
  const settings = await address();
  await expect(create({ settings: { ...settings, password: secret } })).rejects.toMatchObject({
    reason: 'SETTINGS_INVALID',
    fields: [{ field: 'settings#', rule: 'additionalProperties' }],
  });
  const made = await create({ settings });
  const connection = { ...made, settings: { ...settings, password: secret } };
  const change = { connectionId: made.id, connection, updateMask: ['settings'], etag: made.etag };
  await expect(people.editor.extdatamodule.updateConnection(change)).rejects.toMatchObject({ reason: 'SETTINGS_INVALID' });
  expect(await holders(secret, 'UpdateConnection', `connections/${made.id}`)).toEqual([]);
  const [created] = (await people.editor.audit.listAuditLogs({ resource: `connections/${made.id}`, action: 'CreateConnection' })).auditLogs;
  const { auditLog } = await people.editor.audit.getAuditLog({ auditLogId: created?.id ?? '' });
  expect(auditLog?.record?.after).toMatchObject({ settings });
});

test('a header of an http connection that would carry a credential is refused, in whatever case it is written', async () => {
  const secret = canary();
  for (const name of ['Authorization', 'COOKIE', 'x-api-key']) {
    const settings = { baseUrl: 'https://api.example.org', headers: { [name]: secret } };
    await expect(create({ type: 'http', settings })).rejects.toMatchObject({
      reason: 'SETTINGS_INVALID',
      fields: expect.arrayContaining([expect.objectContaining({ field: 'settings#/headers' })]) as unknown,
    });
  }
  expect(await holders(secret, 'CreateConnection')).toEqual([]);
  const plain = { baseUrl: 'https://api.example.org', headers: { 'x-request-source': 'lethe' } };
  expect((await create({ type: 'http', settings: plain })).settings).toMatchObject(plain);
});

describe('a change of where a connection leads', () => {
  test.each([
    ['host', { host: 'attacker.example.org' }],
    ['port', { port: 6543 }],
    ['user', { user: 'somebody' }],
    ['database', { database: 'other' }],
    ['tls', { tls: 'require' }],
  ])('%s clears the secret unless it is sent again', async (_name, change) => {
    const settings = await address();
    const made = await create({ settings, secret: { values: { password: canary() } } });
    const update = { connectionId: made.id, connection: { settings: { ...settings, ...change } }, updateMask: ['settings'], etag: '*' };
    expect((await people.editor.extdatamodule.updateConnection(update)).connection?.secretSet).toBe(false);
    const again = { ...update, updateMask: ['settings', 'secret'], secret: { values: { password: canary() } } };
    expect((await people.editor.extdatamodule.updateConnection(again)).connection?.secretSet).toBe(true);
  });

  test('of a web address clears the token, and back again it does not return', async () => {
    const made = await create({ type: 'http', settings: { baseUrl: 'https://a.example.org' }, secret: { values: { token: canary() } } });
    const to = async (baseUrl: string): Promise<boolean | undefined> => {
      const update = { connectionId: made.id, connection: { settings: { baseUrl } }, updateMask: ['settings'], etag: '*' };
      return (await people.editor.extdatamodule.updateConnection(update)).connection?.secretSet;
    };
    expect([await to('https://b.example.org'), await to('https://a.example.org')]).toEqual([false, false]);
  });

  test('that leads to the same place leaves the secret', async () => {
    const settings = await address();
    const made = await create({ settings, secret: { values: { password: canary() } } });
    const update = {
      connectionId: made.id,
      connection: { settings: { ...settings, schema: 'other' } },
      updateMask: ['settings'],
      etag: '*',
    };
    expect((await people.editor.extdatamodule.updateConnection(update)).connection?.secretSet).toBe(true);
  });
});

describe('owners, discoverability and demanded privacy', () => {
  test.each([
    ['owner_ids', (id: string) => ({ ownerIds: [id] })],
    ['discoverable', () => ({ discoverable: true })],
    ['require_privacy', () => ({ requirePrivacy: false })],
  ])('%s is not for whoever edits tasks', async (path, change) => {
    const other = await suite.user();
    await suite.member(people.groupId, other, Role.DEVELOPER);
    const made = await create({ settings: await address() });
    const update = { connectionId: made.id, connection: change(other.id), updateMask: [path], etag: '*' };
    await expect(other.extdatamodule.updateConnection(update)).rejects.toMatchObject({ reason: 'OWNERS_ONLY' });
    await expect(people.editor.extdatamodule.updateConnection(update)).resolves.toBeDefined();
  });
});
