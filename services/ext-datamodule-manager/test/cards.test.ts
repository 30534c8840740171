// Cards of connections: what everybody sees of them, and with which status.
import { AccessStatus, Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
let askers: People;
let owner: TestUser;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule'] });
  people = await makePeople(suite);
  askers = await makePeople(suite);
  owner = people.editor;
});
afterAll(() => suite.close());

const create = async (displayName: string, change: { hidden?: boolean; namespace?: string; type?: string } = {}): Promise<string> => {
  const type = change.type ?? 'file';
  const settings = type === 'file' ? { path: 'registry' } : { baseUrl: 'https://api.example.org' };
  const { groupId } = people;
  const { connection } = await owner.extdatamodule.createConnection({ groupId, displayName, contract: 'c', ...change, type, settings });
  return connection?.id ?? '';
};

const statusOf = async (user: TestUser, id: string): Promise<[AccessStatus, AccessStatus] | undefined> => {
  const { connections } = await user.extdatamodule.getAllConnection({ groupId: people.groupId });
  const card = connections.find((found) => found.id === id);
  return card && [card.readAccess, card.writeAccess];
};

test('the status follows the access: none, asked for, granted, taken back; READ and WRITE apart', async () => {
  const { NONE, PENDING, GRANTED, OWN_GROUP } = AccessStatus;
  const connectionId = await create('registry');
  const becomes = (status: [AccessStatus, AccessStatus]): Promise<true> =>
    until(async () => (String(await statusOf(askers.editor, connectionId)) === String(status) ? true : undefined));
  expect(await statusOf(owner, connectionId)).toEqual([OWN_GROUP, OWN_GROUP]);
  expect(await statusOf(people.guest, connectionId)).toEqual([NONE, NONE]);
  expect(await statusOf(askers.editor, connectionId)).toEqual([NONE, NONE]);
  const { accessRequest } = await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'For a report' });
  await becomes([PENDING, NONE]);
  const accessRequestId = accessRequest?.id ?? '';
  await owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  await becomes([GRANTED, NONE]);
  await owner.user.revokeAccess({ accessRequestId });
  await becomes([NONE, NONE]);
});

test('whoever holds a grant may have the connection described, and nobody else of another group', async () => {
  const connectionId = await create('described');
  const described = () => askers.editor.extdatamodule.testConnection({ connectionId });
  await expect(described()).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  const { accessRequest } = await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'For a report' });
  await expect(described()).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await owner.user.approveAccessRequest({ accessRequestId: accessRequest?.id ?? '', decision: Decision.APPROVE });
  // What comes of it is DataManager's, which does not run here: the call has got that far.
  await until(async () =>
    described().then(
      () => true,
      ({ reason }: { reason?: string }) => reason !== 'NOT_FOUND' || undefined,
    ),
  );
  await owner.user.revokeAccess({ accessRequestId: accessRequest?.id ?? '' });
  await until(async () =>
    described().then(
      () => undefined,
      ({ reason }: { reason?: string }) => reason === 'NOT_FOUND' || undefined,
    ),
  );
});

test('a response to a change of rights is seen at once by a call that names its revision', async () => {
  const connectionId = await create('fresh');
  expect(await statusOf(askers.editor, connectionId)).toEqual([AccessStatus.NONE, AccessStatus.NONE]);
  const { authzRevision } = await owner.user.addAccess({
    connectionId,
    userId: askers.editor.id,
    access: Access.WRITE,
    reason: 'Agreed by phone',
  });
  const { connections } = await askers.editor.extdatamodule.getAllConnection(
    { groupId: people.groupId, displayName: 'fresh' },
    { metadata: { 'lethe-min-authz-revision': String(authzRevision) } },
  );
  expect(connections).toMatchObject([{ readAccess: AccessStatus.NONE, writeAccess: AccessStatus.GRANTED }]);
});

test('a hidden connection has a card for its group alone, until it is shown', async () => {
  const connectionId = await create('hidden', { hidden: true });
  expect(await statusOf(askers.editor, connectionId)).toBeUndefined();
  expect(await statusOf(people.guest, connectionId)).toBeDefined();
  await owner.extdatamodule.updateConnection({
    connectionId,
    connection: Connection.fromPartial({ discoverable: true }),
    updateMask: ['discoverable'],
    etag: '*',
  });
  expect(await statusOf(askers.editor, connectionId)).toBeDefined();
});

test('an owner from outside the group sees and changes the connection, and nothing else of the group', async () => {
  const connectionId = await create('outside', { hidden: true });
  const { stranger } = askers;
  await expect(stranger.extdatamodule.getConnection({ connectionId })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await owner.extdatamodule.updateConnection({
    connectionId,
    connection: Connection.fromPartial({ ownerIds: [owner.id, stranger.id] }),
    updateMask: ['owner_ids'],
    etag: '*',
  });
  const { connection } = await stranger.extdatamodule.getConnection({ connectionId });
  expect(connection).toMatchObject({ ownerIds: [owner.id, stranger.id], settings: { path: 'registry' } });
  const change = { connectionId, connection: Connection.fromPartial({ contract: 'new' }), updateMask: ['contract'] };
  const updated = await stranger.extdatamodule.updateConnection({ ...change, etag: connection?.etag ?? '' });
  expect(updated.connection?.contract).toBe('new');
  await expect(stranger.extdatamodule.listDataModules({ groupId: people.groupId })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await expect(stranger.extdatamodule.getConnection({ connectionId: await create('other', { hidden: true }) })).rejects.toMatchObject({
    reason: 'NOT_FOUND',
  });
});

test('cards are filtered by group, namespace, name and type, page by page', async () => {
  const made = [
    await create('p1', { namespace: 'paged' }),
    await create('p2', { namespace: 'paged', type: 'http' }),
    await create('p3', { namespace: 'paged' }),
  ];
  const list = async (filter: object): Promise<{ ids: string[]; nextPageToken: string }> => {
    const { connections, nextPageToken } = await askers.guest.extdatamodule.getAllConnection({ namespace: 'paged', ...filter });
    return { ids: connections.map(({ id }) => id), nextPageToken };
  };
  const first = await list({ pageSize: 2 });
  const rest = await list({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.ids, ...rest.ids]).toEqual(made);
  expect(rest.nextPageToken).toBe('');
  expect((await list({ type: 'http' })).ids).toEqual([made[1]]);
  expect((await list({ displayName: 'p3' })).ids).toEqual([made[2]]);
  expect((await list({ groupId: askers.groupId })).ids).toEqual([]);
});

test('each type of connection has schemas, and says whether it is read and written; the list goes page by page', async () => {
  const first = await owner.extdatamodule.listConnectionTypes({ pageSize: 2 });
  const rest = await owner.extdatamodule.listConnectionTypes({ pageSize: 2, pageToken: first.nextPageToken });
  const kinds = [...first.connectionTypes, ...rest.connectionTypes];
  expect(kinds.map(({ type, readable, writable }) => [type, readable, writable])).toEqual([
    ['file', true, true],
    ['http', true, false],
    ['postgres', true, true],
  ]);
  expect(kinds.at(-1)).toMatchObject({
    schemaVersion: 1,
    settingsSchema: { required: ['host', 'database', 'user'] },
    secretSchema: { properties: { password: { type: 'string' } } },
  });
});

test('what a new connection needs is asked for by field', async () => {
  await expect(
    owner.extdatamodule.createConnection({ groupId: people.groupId, displayName: '', type: '', ownerIds: ['me'] }),
  ).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'display_name' }, { field: 'type' }, { field: 'owner_ids[0]' }],
  });
  const { groupId } = askers;
  const foreign = owner.extdatamodule.createConnection({ groupId, displayName: 'x', type: 'file', settings: { path: 'x' } });
  await expect(foreign).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('a change is held to the bounds of a new connection, by field', async () => {
  const connectionId = await create('bounded');
  const values = { displayName: 'n'.repeat(129), contract: 'c'.repeat(10_001), ownerIds: ['me'] };
  const connection = Connection.fromPartial(values);
  await expect(owner.extdatamodule.updateConnection({ connectionId, connection, etag: '*' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'connection.display_name' }, { field: 'connection.contract' }, { field: 'connection.owner_ids[0]' }],
  });
});
