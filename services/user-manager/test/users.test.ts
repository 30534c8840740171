// Users: who sees whom, and what changing one does to their credentials.
import { Role, User, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script'] });
});
afterAll(() => suite.close());

const change = (user: TestUser, values: Partial<User>, updateMask: string[], etag = '*', requestId = '') =>
  suite.admin.user.updateUser({ userId: user.id, user: User.fromPartial(values), updateMask, etag, requestId });

test('another user is seen with the groups that are shared, and without grants', async () => {
  const [own, shared, foreign] = [await suite.group(), await suite.group(), await suite.group()];
  const [viewer, seen] = [await suite.user(), await suite.user()];
  for (const groupId of [own, shared]) await suite.member(groupId, viewer, Role.GUEST);
  for (const groupId of [shared, foreign]) await suite.member(groupId, seen, Role.DEVELOPER);
  const { user, access } = await viewer.user.getUser({ userId: seen.id });
  expect(user).toMatchObject({ id: seen.id, displayName: seen.subject, state: User_State.ACTIVE, superuser: false });
  expect(access?.memberships.map(({ groupId, role }) => [groupId, role])).toEqual([[shared, Role.DEVELOPER]]);
  const asAdmin = await suite.admin.user.getUser({ userId: seen.id });
  expect(asAdmin.access?.memberships.map(({ groupId }) => groupId).toSorted()).toEqual([shared, foreign].toSorted());
});

test('an id that nobody has is not found, and one that is none is refused by field', async () => {
  const user = await suite.user();
  await expect(user.user.getUser({ userId: randomUUID() })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await expect(user.user.getUser({ userId: 'me' })).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'user_id' }] });
});

test('users are found by a part of name or mail address, page by page', async () => {
  const made: string[] = [];
  for (const number of [1, 2, 3]) made.push((await suite.user(`findme-${number}`)).id);
  const viewer = await suite.user();
  const byName = await viewer.user.listUsers({ query: 'FINDME', pageSize: 2 });
  const rest = await viewer.user.listUsers({ query: 'FINDME', pageSize: 2, pageToken: byName.nextPageToken });
  expect([...byName.users, ...rest.users].map(({ id }) => id)).toEqual(made);
  expect(rest.nextPageToken).toBe('');
  expect((await viewer.user.listUsers({ query: 'findme-2@example' })).users.map(({ id }) => id)).toEqual([made[1]]);
  // What a pattern would match is looked for as it is.
  expect((await viewer.user.listUsers({ query: 'findme%' })).users).toEqual([]);
});

test('a page token of another query is refused', async () => {
  const { nextPageToken } = await suite.admin.user.listUsers({ pageSize: 1 });
  await expect(suite.admin.user.listUsers({ pageSize: 1, query: 'x', pageToken: nextPageToken })).rejects.toMatchObject({
    reason: 'PAGE_TOKEN_MISMATCH',
  });
});

test('a deactivated user is refused with every credential, here at once and elsewhere a moment later, until activated again', async () => {
  const [user, groupId] = [await suite.user(), await suite.group()];
  await suite.member(groupId, user, Role.DEVELOPER);
  const { secret } = await user.user.createToken({ displayName: 'machine', scopes: ['user.read'] });
  const machine = suite.clients(secret);
  await machine.user.getUser({});
  await user.script.listScripts({});
  const { user: after } = await change(user, { state: User_State.DEACTIVATED }, ['state']);
  expect(after?.state).toBe(User_State.DEACTIVATED);
  for (const clients of [user, machine]) await expect(clients.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  await until(() =>
    user.script.listScripts({}).then(
      () => undefined,
      (error: { reason?: string }) => error.reason === 'UNAUTHENTICATED' || undefined,
    ),
  );
  const other = await suite.user();
  expect((await other.user.listUsers({ query: user.subject })).users).toEqual([]);
  expect((await suite.admin.user.listUsers({ query: user.subject })).users.map(({ id }) => id)).toEqual([user.id]);
  await change(user, { state: User_State.ACTIVE }, ['state']);
  expect((await user.user.getUser({})).user?.state).toBe(User_State.ACTIVE);
  expect((await machine.user.getUser({})).user?.id).toBe(user.id);
});

test('UpdateUser changes what its mask names, on the version that was read', async () => {
  const user = await suite.user();
  const { user: before } = await suite.admin.user.getUser({ userId: user.id });
  const values = { displayName: 'Renamed', state: User_State.DEACTIVATED };
  const { user: after, authzRevision } = await change(user, values, ['display_name'], before?.etag ?? '');
  expect(after).toMatchObject({ displayName: 'Renamed', state: User_State.ACTIVE });
  expect(after?.etag).not.toBe(before?.etag);
  expect(authzRevision).toBeGreaterThan(0n);
  await expect(change(user, values, ['display_name'], before?.etag ?? '')).rejects.toMatchObject({
    reason: 'ETAG_MISMATCH',
    metadata: { etag: after?.etag },
  });
  await expect(change(user, values, ['display_name'], '')).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
});

test('UpdateUser refuses what cannot be changed, by field', async () => {
  const user = await suite.user();
  await expect(change(user, { superuser: true }, ['superuser'])).rejects.toMatchObject({
    reason: 'MASK_INVALID',
    fields: [{ field: 'update_mask' }],
  });
  await expect(change(user, {}, ['state'])).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'user.state' }] });
  await expect(change(user, {}, ['display_name'])).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'user.display_name' }],
  });
  const nobody = { ...user, id: randomUUID() };
  await expect(change(nobody, { displayName: 'x' }, ['display_name'])).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('superusers do not deactivate themselves', async () => {
  await expect(change(suite.admin, { state: User_State.DEACTIVATED }, ['state'])).rejects.toMatchObject({ reason: 'SELF_DEACTIVATION' });
  expect((await suite.admin.user.getUser({})).user?.state).toBe(User_State.ACTIVE);
});

test('a repeated request id changes a user once', async () => {
  const [user, requestId] = [await suite.user(), randomUUID()];
  const first = await change(user, { displayName: 'Once' }, ['display_name'], '*', requestId);
  const again = await change(user, { displayName: 'Once' }, ['display_name'], '*', requestId);
  expect(again.user?.etag).toBe(first.user?.etag);
  await expect(change(user, { displayName: 'Twice' }, ['display_name'], '*', requestId)).rejects.toMatchObject({
    reason: 'REQUEST_ID_REUSED',
  });
});

test('a service learns from a token who its bearer is and what they may do', async () => {
  const [user, groupId] = [await suite.user(), await suite.group()];
  await suite.member(groupId, user, Role.GUEST);
  const { secret, token } = await user.user.createToken({ displayName: 'machine', scopes: ['run.*'] });
  const service = suite.clients(await suite.serviceToken('task', { audience: 'user' })).user;
  expect(await service.authenticate({ token: secret })).toMatchObject({
    user: { id: user.id },
    scopes: ['run.*'],
    tokenId: token?.id,
    expireTime: token?.expireTime,
    access: { memberships: [{ groupId, role: Role.GUEST }] },
  });
  expect(await service.authenticate({ token: user.token })).toMatchObject({ user: { id: user.id }, scopes: ['*'], tokenId: '' });
  await expect(service.authenticate({ token: `${secret}x` })).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  await expect(service.authenticate({ token: '' })).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'token' }] });
});
