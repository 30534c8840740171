// Users through the wire: who lists and changes them, and what a deactivation ends.
import { Role, User, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'script'] });
});
afterAll(() => suite.close());

const setState = async (userId: string, state: User_State): Promise<void> => {
  const { user } = await suite.admin.user.getUser({ userId });
  if (!user) throw new Error('there is no user');
  await suite.admin.user.updateUser({ userId, user: { ...user, state }, updateMask: ['state'], etag: user.etag });
};

const outcome = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'OK',
    (error: { reason?: string }) => error.reason ?? 'another error',
  );

describe('a deactivated user', () => {
  let user: TestUser;
  let groupId: string;
  let personal: TestUser['user'];
  beforeAll(async () => {
    [user, groupId] = [await suite.user(), await suite.group()];
    await suite.member(groupId, user, Role.DEVELOPER);
    const { secret } = await user.user.createToken({ displayName: 'own', scopes: ['user.read'] });
    personal = suite.clients(secret).user;
    await personal.getUser({});
    await user.script.listScripts({ groupId });
  });

  test('is refused with every credential, at once at UserManager and within seconds elsewhere', async () => {
    await setState(user.id, User_State.DEACTIVATED);
    await expect(user.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    await expect(personal.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    await expect.poll(() => outcome(user.script.listScripts({ groupId })), { timeout: 10_000 }).toBe('UNAUTHENTICATED');
  });

  test('does not come back by another sign-in', async () => {
    const token = await suite.issuer.token(user.subject);
    await expect(suite.clients(token).user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });

  test('is shown to superusers alone', async () => {
    const seenBy = async (who: TestUser): Promise<string[]> =>
      (await who.user.listUsers({ query: user.subject })).users.map(({ id }) => id);
    expect(await seenBy(suite.admin)).toEqual([user.id]);
    expect(await seenBy(await suite.user())).toEqual([]);
  });

  test('works again, as a member of the same groups, once activated', async () => {
    await setState(user.id, User_State.ACTIVE);
    const { access } = await user.user.getUser({});
    expect(access?.memberships.map((membership) => membership.groupId)).toEqual([groupId]);
    await personal.getUser({});
  });
});

describe('UpdateUser', () => {
  test('is for superusers alone, who do not deactivate themselves', async () => {
    const user = await suite.user();
    const { user: own } = await user.user.getUser({});
    const rename = { userId: user.id, user: { ...(own as NonNullable<typeof own>), displayName: 'another' }, updateMask: ['display_name'] };
    await expect(user.user.updateUser({ ...rename, etag: '*' })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
    await expect(setState(suite.admin.id, User_State.DEACTIVATED)).rejects.toMatchObject({ reason: 'SELF_DEACTIVATION' });
  });

  test('changes what the mask names, against the etag that was read', async () => {
    const { id, subject } = await suite.user();
    const { user: before } = await suite.admin.user.getUser({ userId: id });
    if (!before) throw new Error('there is no user');
    const change = { userId: id, user: { ...before, displayName: 'Ada', state: User_State.DEACTIVATED }, updateMask: ['display_name'] };
    const { user: after } = await suite.admin.user.updateUser({ ...change, etag: before.etag });
    expect(after).toMatchObject({ displayName: 'Ada', state: User_State.ACTIVE, email: `${subject}@example.org` });
    await expect(suite.admin.user.updateUser({ ...change, etag: before.etag })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(suite.admin.user.updateUser({ ...change, updateMask: ['superuser'], etag: '*' })).rejects.toMatchObject({
      reason: 'MASK_INVALID',
    });
  });
});

describe('ListUsers', () => {
  const mark = `listed-${randomUUID()}`;
  let ids: string[];
  beforeAll(async () => {
    const made = [];
    for (let number = 0; number < 5; number += 1) made.push(await suite.user(`${mark}-${number}`));
    ids = made.map(({ id }) => id).toSorted();
  });

  test('pages by id, each user once, while others appear', async () => {
    const found: string[] = [];
    let pageToken = '';
    do {
      const page = await suite.admin.user.listUsers({ query: mark, pageSize: 2, pageToken });
      expect(page.users.length).toBeLessThanOrEqual(2);
      found.push(...page.users.map(({ id }) => id));
      await suite.user();
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(found).toEqual(ids);
  });

  test('finds by part of the name or the mail address, in any case, and takes signs as they are', async () => {
    const find = async (query: string): Promise<number> => (await suite.admin.user.listUsers({ query })).users.length;
    expect(await find(`${mark.toUpperCase()}-3`)).toBe(1);
    expect(await find(`${mark}-3@EXAMPLE`)).toBe(1);
    expect(await find(`${mark}%3`)).toBe(0);
    expect(await find(`${mark}_3`)).toBe(0);
  });

  test('refuses a page token with another query', async () => {
    const { nextPageToken } = await suite.admin.user.listUsers({ query: mark, pageSize: 2 });
    await expect(suite.admin.user.listUsers({ query: 'another', pageSize: 2, pageToken: nextPageToken })).rejects.toMatchObject({
      reason: 'PAGE_TOKEN_MISMATCH',
    });
  });
});

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

const change = (userId: string, values: Partial<User>, updateMask: string[], options: { etag?: string; requestId?: string } = {}) =>
  suite.admin.user.updateUser({ userId, user: User.fromPartial(values), updateMask, etag: '*', ...options });

test('UpdateUser refuses what is missing or unknown, by field', async () => {
  const { id } = await suite.user();
  for (const [mask, field] of [
    ['state', 'user.state'],
    ['display_name', 'user.display_name'],
  ] as const)
    await expect(change(id, {}, [mask])).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field }] });
  await expect(change(id, { displayName: 'x'.repeat(257) }, [])).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'user.display_name' }],
  });
  await expect(change(id, { displayName: 'x' }, [], { etag: '' })).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  await expect(change(randomUUID(), { displayName: 'x' }, [])).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('a repeated request id changes a user once', async () => {
  const [{ id }, requestId] = [await suite.user(), randomUUID()];
  const first = await change(id, { displayName: 'Once' }, [], { requestId });
  expect(await change(id, { displayName: 'Once' }, [], { requestId })).toEqual(first);
  await expect(change(id, { displayName: 'Twice' }, [], { requestId })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
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
