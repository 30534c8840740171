import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
});
afterAll(() => suite.close());

test('a user appears at the first login and sees itself without any group', async () => {
  const user = await suite.user('ada');
  const { user: view, access } = await user.user.getUser({});
  expect(view).toMatchObject({ displayName: 'ada', email: 'ada@example.org', superuser: false });
  expect(access?.memberships).toEqual([]);
});

test('a superuser makes a group, and nobody else does', async () => {
  const user = await suite.user();
  await expect(user.user.createGroup({ displayName: 'x' })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  const { group } = await suite.admin.user.createGroup({ displayName: 'first', description: 'd' });
  expect(group).toMatchObject({ displayName: 'first', description: 'd' });
  await expect(suite.admin.user.createGroup({ displayName: 'first' })).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
});

test('a member added with a duty holds what the duty allows, at once', async () => {
  const [groupId, user] = [await suite.group(), await suite.user()];
  await suite.member(groupId, user, Role.GUEST, [Duty.DATA_MANAGER]);
  const { access } = await user.user.getUser({});
  expect(access?.memberships[0]?.permissions).toEqual(expect.arrayContaining(['row.read', 'row.edit', 'task.read']));
  expect(access?.memberships[0]?.permissions).not.toContain('run.start');
  await user.user.removeGroupMember({ groupId, userId: user.id, etag: '*' });
  expect((await user.user.getUser({})).access?.memberships).toEqual([]);
});

test('a group of others is not found, with the text of a missing one', async () => {
  const [groupId, user] = [await suite.group(), await suite.user()];
  await suite.member(await suite.group(), user, Role.GUEST);
  const foreign = await user.user.getGroup({ groupId }).catch((error: Error) => error.message);
  const missing = await user.user.getGroup({ groupId: randomUUID() }).catch((error: Error) => error.message);
  expect(foreign).toBe(missing);
});

test('a repeated request id changes nothing and gives the same response', async () => {
  const requestId = randomUUID();
  const [first, second] = await Promise.all([1, 2].map(() => suite.admin.user.createGroup({ displayName: 'once', requestId })));
  expect(second?.group?.id).toBe(first?.group?.id);
  await expect(suite.admin.user.createGroup({ displayName: 'twice', requestId })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
});

test('the last owner of a group stays, and a maintainer makes no owner', async () => {
  const [groupId, maintainer, other] = [await suite.group(), await suite.user(), await suite.user()];
  await suite.member(groupId, maintainer, Role.MAINTAINER);
  await expect(maintainer.user.addGroupMember({ groupId, userId: other.id, role: Role.OWNER })).rejects.toMatchObject({
    reason: 'ROLE_ABOVE_OWN',
  });
  await expect(suite.admin.user.removeGroupMember({ groupId, userId: suite.admin.id, etag: '*' })).rejects.toMatchObject({
    reason: 'LAST_OWNER',
  });
});
