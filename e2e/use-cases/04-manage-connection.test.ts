// Use case: Manage External Datamodule Connection.
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { until } from '@lethe/testkit/until';

const PASSWORD = 'canary-9f27c1';

let suite: Suite;
let people: People;
let connectionId: string;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const settings = (): Record<string, unknown> => {
  const { hostname, port } = new URL(inject('postgresUrl'));
  return { host: hostname, port: Number(port), database: 'postgres', user: 'lethe_user' };
};

const kindsOf = async (user: People['guest']): Promise<Notification_Kind[]> =>
  (await user.user.listNotifications({})).notifications.filter(({ resource }) => resource.includes(connectionId)).map(({ kind }) => kind);

describe('basic flow', () => {
  test('1. access connection management: the types of connections say what each needs', async () => {
    const { connectionTypes } = await people.editor.extdatamodule.listConnectionTypes({});
    expect(connectionTypes.map(({ type }) => type).toSorted()).toEqual(['file', 'http', 'postgres']);
    expect(connectionTypes.every(({ settingsSchema }) => settingsSchema !== undefined)).toBe(true);
  });

  test('2. check permissions: GetUser says who may create connections, and CreateConnection keeps to it', async () => {
    expect(await permissionsIn(people.editor, people.groupId)).toContain('connection.create');
    expect(await permissionsIn(people.reviewer, people.groupId)).not.toContain('connection.create');
    const { groupId } = people;
    const refused = await denial(
      people.reviewer.extdatamodule.createConnection({ groupId, displayName: 'x', type: 'file', settings: { path: 'x' } }),
    );
    expect(refused.reason).toBe('PERMISSION_DENIED');
  });

  test('3. create, 4. details, 5. submit: contract, address, type, secret and owners are stored', async () => {
    const { connection } = await people.editor.extdatamodule.createConnection({
      groupId: people.groupId,
      displayName: 'registry',
      type: 'postgres',
      settings: settings(),
      secret: { values: { password: PASSWORD } },
      contract: 'Records of the registry, refreshed each night',
      ownerIds: [people.guest.id],
    });
    connectionId = connection?.id ?? '';
    expect(connection).toMatchObject({
      type: 'postgres',
      contract: 'Records of the registry, refreshed each night',
      ownerIds: [people.guest.id],
    });
  });

  test('4. provide connection details: a connection string is taken apart, and its password does not come back', async () => {
    const { connection } = await people.editor.extdatamodule.createConnection({
      groupId: people.groupId,
      displayName: 'by connection string',
      type: 'postgres',
      uri: `postgres://reader:${PASSWORD}@db.example.org:6543/registry`,
    });
    expect(connection).toMatchObject({
      settings: { host: 'db.example.org', port: 6543, database: 'registry', user: 'reader' },
      secretSet: true,
    });
    expect(JSON.stringify(connection)).not.toContain(PASSWORD);
  });

  test('6. process request: bad input is refused by field, and a second one of the name as well', async () => {
    const { groupId } = people;
    const create = (displayName: string, bad: Record<string, unknown>): Promise<unknown> =>
      people.editor.extdatamodule.createConnection({ groupId, displayName, type: 'postgres', settings: bad });
    const { fields } = await denial(create('other', { host: 'x', port: 'many', database: 'd', user: 'u' }));
    expect(fields.map(({ field }) => field).join()).toMatch(/port/);
    expect((await denial(create('registry', settings()))).reason).toBe('ALREADY_EXISTS');
    expect(
      (await denial(people.editor.extdatamodule.createConnection({ groupId, displayName: 'y', type: 'carrier pigeon' }))).reason,
    ).toMatch(/INVALID|TYPE/);
  });

  test('6. process request: UpdateConnection changes what its mask names', async () => {
    const { connection } = await people.editor.extdatamodule.getConnection({ connectionId });
    const updated = await people.editor.extdatamodule.updateConnection({
      connectionId,
      connection: { ...(connection as NonNullable<typeof connection>), contract: 'Refreshed each hour', displayName: 'ignored' },
      updateMask: ['contract'],
      etag: connection?.etag ?? '',
    });
    expect(updated.connection).toMatchObject({ contract: 'Refreshed each hour', displayName: 'registry' });
  });

  test('7. confirmation: TestConnection says whether it is ready for use', async () => {
    const response = await people.editor.extdatamodule.testConnection({ connectionId });
    expect(response.reachable).toBe(false);
    expect(response.error).not.toBe('');
    expect(response.error).not.toContain(PASSWORD);
  });

  test('7. confirmation: of a connection that works, TestConnection describes tables and columns', async () => {
    const { hostname, port, pathname, username, password } = new URL(suite.databaseUrl);
    const { connection } = await people.editor.extdatamodule.createConnection({
      groupId: people.groupId,
      displayName: 'works',
      type: 'postgres',
      settings: { host: hostname, port: Number(port), database: pathname.slice(1), user: username },
      secret: { values: password === '' ? {} : { password: decodeURIComponent(password) } },
    });
    const response = await people.editor.extdatamodule.testConnection({ connectionId: connection?.id ?? '' });
    expect(response).toMatchObject({ reachable: true, error: '' });
    const groups = response.tables.find(({ schema, name }) => schema === 'lethe_user' && name === 'groups');
    expect(groups?.columns.map(({ name }) => name)).toContain('display_name');
  });

  test('7. confirmation: owners are told of the creation and of the change', async () => {
    await until(async () => {
      const kinds = await kindsOf(people.guest);
      return kinds.includes(Notification_Kind.CONNECTION_CREATED) && kinds.includes(Notification_Kind.CONNECTION_UPDATED)
        ? kinds
        : undefined;
    });
  });
});

test('the secret is in no response, no record, no event and no column as it is', async () => {
  const { connection } = await people.editor.extdatamodule.getConnection({ connectionId });
  expect(JSON.stringify(connection, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(PASSWORD);
  expect(await tablesHolding(suite.databaseUrl, PASSWORD)).toEqual([]);
});
