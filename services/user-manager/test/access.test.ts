// Access to connections: what the use cases do not show of asking, deciding, taking back and checking.
import { AccessRequest_State } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Access, User, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

const PAST = new Date(Date.now() - 1000);
const NEXT_HOUR = new Date(Date.now() + 3_600_000);

let suite: Suite;
let people: People;
let askers: People;
let owner: TestUser;
let asker: TestUser;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule'] });
  people = await makePeople(suite);
  askers = await makePeople(suite);
  owner = people.editor;
  asker = askers.editor;
});
afterAll(() => suite.close());

const makeConnection = async (hidden = false): Promise<string> => {
  const { connection } = await owner.extdatamodule.createConnection({
    groupId: people.groupId,
    displayName: `registry ${randomUUID()}`,
    type: 'file',
    settings: { path: 'registry' },
    hidden,
  });
  return connection?.id ?? '';
};

const ask = async (connectionId: string, access: Access = Access.READ): Promise<string> =>
  (await asker.user.addAccess({ connectionId, access, reason: 'For a report' })).accessRequest?.id ?? '';

test('an owner who names another user gives the access at once, until the time that is said', async () => {
  const connectionId = await makeConnection();
  const request = { connectionId, userId: asker.id, access: Access.WRITE, reason: 'Agreed by phone', expireTime: NEXT_HOUR };
  const { accessRequest, authzRevision } = await owner.user.addAccess(request);
  expect(accessRequest).toMatchObject({
    state: AccessRequest_State.APPROVED,
    userId: asker.id,
    userName: asker.subject,
    deciderId: owner.id,
    deciderName: owner.subject,
    connectionName: expect.stringMatching(/^registry /),
    access: Access.WRITE,
    expireTime: NEXT_HOUR,
  });
  expect(authzRevision).toBeGreaterThan(0n);
  expect(await asker.user.checkAccess({ connectionId, access: Access.WRITE })).toEqual({
    allowed: true,
    accessRequestId: accessRequest?.id,
    expireTime: NEXT_HOUR,
  });
  expect((await asker.user.checkAccess({ connectionId, access: Access.READ })).allowed).toBe(false);
});

test('nobody but an owner asks for another user', async () => {
  const connectionId = await makeConnection();
  const call = asker.user.addAccess({ connectionId, userId: askers.guest.id, access: Access.READ, reason: 'For a colleague' });
  await expect(call).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  expect((await askers.guest.user.checkAccess({ connectionId, access: Access.READ })).allowed).toBe(false);
});

test('a connection that its owner hides cannot be asked for, as one that nobody has', async () => {
  const call = (connectionId: string) =>
    asker.user.addAccess({ connectionId, access: Access.READ, reason: 'For a report' }).catch((error: Error) => error.message);
  expect(await call(await makeConnection(true))).toBe('connection not found');
  expect(await call(randomUUID())).toBe('connection not found');
});

test('an end of access is for the owner to say, and lies in the future', async () => {
  const connectionId = await makeConnection();
  const request = { connectionId, access: Access.READ, reason: 'For a report' };
  await expect(asker.user.addAccess({ ...request, expireTime: NEXT_HOUR })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'expire_time' }],
  });
  await expect(owner.user.addAccess({ ...request, userId: asker.id, expireTime: PAST })).rejects.toMatchObject({ reason: 'TIME_INVALID' });
  const accessRequestId = await ask(connectionId);
  await expect(owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE, expireTime: PAST })).rejects.toMatchObject({
    reason: 'TIME_INVALID',
    metadata: { field: 'expire_time' },
  });
});

test('access is given to active users alone', async () => {
  const connectionId = await makeConnection();
  const give = (userId: string) => owner.user.addAccess({ connectionId, userId, access: Access.READ, reason: 'Agreed' });
  await expect(give(randomUUID())).rejects.toMatchObject({ reason: 'USER_INACTIVE' });
  const gone = await suite.user();
  await suite.admin.user.updateUser({
    userId: gone.id,
    user: User.fromPartial({ state: User_State.DEACTIVATED }),
    updateMask: ['state'],
    etag: '*',
  });
  await expect(give(gone.id)).rejects.toMatchObject({ reason: 'USER_INACTIVE' });
});

test('a request with a request id is made once', async () => {
  const request = { connectionId: await makeConnection(), access: Access.READ, reason: 'For a report', requestId: randomUUID() };
  const first = await asker.user.addAccess(request);
  expect((await asker.user.addAccess(request)).accessRequest?.id).toBe(first.accessRequest?.id);
  await expect(asker.user.addAccess({ ...request, reason: 'Another' })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
});

test('what a user holds and waits for is in GetUser, and in the status of the card', async () => {
  const [held, waiting] = [await makeConnection(), await makeConnection()];
  const accessRequestId = await ask(held);
  await owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  const pendingId = await ask(waiting, Access.WRITE);
  const { access } = await asker.user.getUser({});
  expect(access?.grants).toContainEqual({
    connectionId: held,
    connectionName: expect.stringContaining('registry'),
    access: Access.READ,
    accessRequestId,
    expireTime: undefined,
  });
  expect(access?.pendingGrants).toContainEqual({
    connectionId: waiting,
    connectionName: expect.stringContaining('registry'),
    access: Access.WRITE,
    accessRequestId: pendingId,
    expireTime: undefined,
  });
});

test('an owner does not decide on the own request', async () => {
  const connectionId = await makeConnection();
  const { accessRequest } = await owner.user.addAccess({ connectionId, access: Access.READ, reason: 'For another group' });
  expect(accessRequest?.state).toBe(AccessRequest_State.PENDING);
  const decision = { accessRequestId: accessRequest?.id ?? '', decision: Decision.APPROVE };
  await expect(owner.user.approveAccessRequest(decision)).rejects.toMatchObject({ reason: 'OWN_REQUEST' });
});

test('a decision is asked for, about a request that there is', async () => {
  const accessRequestId = await ask(await makeConnection());
  await expect(owner.user.approveAccessRequest({ accessRequestId })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'decision' }],
  });
  const missing = { accessRequestId: randomUUID(), decision: Decision.APPROVE };
  await expect(owner.user.approveAccessRequest(missing)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('an approval with a request id is made once, and a denial has no end', async () => {
  const accessRequestId = await ask(await makeConnection());
  const request = { accessRequestId, decision: Decision.DENY, comment: 'Not now', expireTime: NEXT_HOUR, requestId: randomUUID() };
  const first = await owner.user.approveAccessRequest(request);
  expect(first.accessRequest).toMatchObject({ state: AccessRequest_State.DENIED, comment: 'Not now', expireTime: undefined });
  expect(await owner.user.approveAccessRequest(request)).toEqual(first);
});

test('only an approved access is taken back, by an owner; then it may be asked for again', async () => {
  const connectionId = await makeConnection();
  const accessRequestId = await ask(connectionId);
  await expect(owner.user.revokeAccess({ accessRequestId })).rejects.toMatchObject({
    reason: 'NOT_APPROVED',
    metadata: { state: 'PENDING' },
  });
  await owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  await expect(asker.user.revokeAccess({ accessRequestId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  const { accessRequest } = await owner.user.revokeAccess({ accessRequestId, comment: 'The report is done' });
  expect(accessRequest).toMatchObject({ state: AccessRequest_State.REVOKED, comment: 'The report is done' });
  await expect(owner.user.revokeAccess({ accessRequestId })).rejects.toMatchObject({
    reason: 'NOT_APPROVED',
    metadata: { state: 'REVOKED' },
  });
  await expect(owner.user.approveAccessRequest({ accessRequestId, decision: Decision.DENY })).rejects.toMatchObject({
    reason: 'ALREADY_DECIDED',
    metadata: { state: 'REVOKED' },
  });
  expect(await ask(connectionId)).not.toBe(accessRequestId);
});

test('in the connection’s own group the duty is enough; users ask for themselves, services for anybody', async () => {
  const connectionId = await makeConnection();
  expect(await owner.user.checkAccess({ connectionId, access: Access.WRITE })).toMatchObject({ allowed: true, accessRequestId: '' });
  expect((await people.guest.user.checkAccess({ connectionId, access: Access.READ })).allowed).toBe(false);
  await expect(asker.user.checkAccess({ userId: owner.id, connectionId, access: Access.READ })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'user_id' }],
  });
  const service = suite.clients(await suite.serviceToken('task', { audience: 'user' })).user;
  const question = { connectionId, access: Access.READ, connectionGroupId: people.groupId };
  expect((await service.checkAccess({ ...question, userId: owner.id })).allowed).toBe(true);
  expect((await service.checkAccess({ ...question, userId: asker.id })).allowed).toBe(false);
  await expect(service.checkAccess(question)).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'user_id' }] });
});

test('without a filter, an owner sees the requests for all owned connections and the own ones, and nobody else’s', async () => {
  const [first, second] = [await ask(await makeConnection()), await ask(await makeConnection())];
  const listed = async (user: TestUser): Promise<string[]> => {
    const ids: string[] = [];
    let pageToken = '';
    do {
      const page = await user.user.listAccessRequests({ pageSize: 2, pageToken });
      ids.push(...page.accessRequests.map(({ id }) => id));
      ({ nextPageToken: pageToken } = page);
    } while (pageToken !== '');
    return ids;
  };
  expect(await listed(owner)).toEqual(expect.arrayContaining([first, second]));
  expect(await listed(asker)).toEqual(expect.arrayContaining([first, second]));
  expect(await listed(await suite.user())).toEqual([]);
});

test('the list of requests is filtered by state and goes page by page', async () => {
  const connectionId = await makeConnection();
  const [read, write] = [await ask(connectionId), await ask(connectionId, Access.WRITE)];
  await owner.user.approveAccessRequest({ accessRequestId: read, decision: Decision.APPROVE });
  const idsOf = async (state: AccessRequest_State): Promise<string[]> =>
    (await owner.user.listAccessRequests({ connectionId, state })).accessRequests.map(({ id }) => id);
  expect(await idsOf(AccessRequest_State.PENDING)).toEqual([write]);
  expect(await idsOf(AccessRequest_State.APPROVED)).toEqual([read]);
  const first = await owner.user.listAccessRequests({ connectionId, pageSize: 1 });
  const second = await owner.user.listAccessRequests({ connectionId, pageSize: 1, pageToken: first.nextPageToken });
  expect([...first.accessRequests, ...second.accessRequests].map(({ id }) => id)).toEqual([read, write]);
  await expect(asker.user.listAccessRequests({ connectionId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('whoever is signed in may request access, a member of no group too, and reads the own request', async () => {
  const connectionId = await makeConnection();
  const { stranger } = askers;
  const { accessRequest } = await stranger.user.addAccess({ connectionId, access: Access.READ, reason: 'For a report' });
  const accessRequestId = accessRequest?.id ?? '';
  expect((await stranger.user.getAccessRequest({ accessRequestId })).accessRequest).toEqual(accessRequest);
});

test('a request is read by who made it and by owners of its connection, and is to others as one that nobody made', async () => {
  const accessRequestId = await ask(await makeConnection());
  expect((await owner.user.getAccessRequest({ accessRequestId })).accessRequest?.userId).toBe(asker.id);
  const read = (id: string) => people.manager.user.getAccessRequest({ accessRequestId: id }).catch((error: Error) => error.message);
  expect(await read(accessRequestId)).toBe('access_request not found');
  expect(await read(randomUUID())).toBe('access_request not found');
});
