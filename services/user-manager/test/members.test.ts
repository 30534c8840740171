// Members of groups: lists, changes, and what a change does at once.
import { Duty, Role, User, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let groupId: string;
let maintainer: TestUser;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
  groupId = await suite.group();
  maintainer = await suite.user();
  await suite.member(groupId, maintainer, Role.MAINTAINER);
});
afterAll(() => suite.close());

const permissionsOf = async (user: TestUser): Promise<string[]> => (await user.user.getUser({})).access?.memberships[0]?.permissions ?? [];

test('a maintainer adds a member, who is listed with role, duties and name', async () => {
  const user = await suite.user();
  const { member, authzRevision } = await maintainer.user.addGroupMember({
    groupId,
    userId: user.id,
    role: Role.GUEST,
    duties: [Duty.TASK_EDITOR],
  });
  expect(member).toMatchObject({ groupId, userId: user.id, role: Role.GUEST, duties: [Duty.TASK_EDITOR], displayName: user.subject });
  expect(authzRevision).toBeGreaterThan(0n);
  const { members } = await user.user.listGroupMembers({ groupId });
  expect(members.find(({ userId }) => userId === user.id)).toEqual(member);
});

test('a member is added once, an unknown or deactivated user never, and a role is asked for', async () => {
  const add = (userId: string, role: Role = Role.GUEST) => maintainer.user.addGroupMember({ groupId, userId, role });
  await expect(add(maintainer.id)).rejects.toMatchObject({ reason: 'MEMBER_EXISTS' });
  await expect(add(randomUUID())).rejects.toMatchObject({ reason: 'USER_INACTIVE' });
  const user = await suite.user();
  await suite.admin.user.updateUser({
    userId: user.id,
    user: User.fromPartial({ state: User_State.DEACTIVATED }),
    updateMask: ['state'],
    etag: '*',
  });
  await expect(add(user.id)).rejects.toMatchObject({ reason: 'USER_INACTIVE' });
  await expect(add(user.id, Role.UNSPECIFIED)).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'role' }] });
});

test('another role and other duties hold from the next call on, and replace the old ones whole', async () => {
  const user = await suite.user();
  await suite.member(groupId, user, Role.GUEST, [Duty.DATA_MANAGER]);
  expect(await permissionsOf(user)).toContain('row.read');
  const { members } = await maintainer.user.listGroupMembers({ groupId });
  const etag = members.find(({ userId }) => userId === user.id)?.etag ?? '';
  const update = (role: Role, tag: string) =>
    maintainer.user.updateGroupMember({ groupId, userId: user.id, role, duties: [Duty.TASK_MANAGER], etag: tag });
  const { member } = await update(Role.GUEST, etag);
  expect(member).toMatchObject({ role: Role.GUEST, duties: [Duty.TASK_MANAGER] });
  expect(await permissionsOf(user)).toContain('run.start');
  expect(await permissionsOf(user)).not.toContain('row.read');
  await expect(update(Role.DEVELOPER, etag)).rejects.toMatchObject({ reason: 'ETAG_MISMATCH', metadata: { etag: member?.etag } });
  await expect(update(Role.DEVELOPER, '')).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  await expect(update(Role.OWNER, '*')).rejects.toMatchObject({ reason: 'ROLE_ABOVE_OWN' });
});

test('a maintainer changes no owner, and somebody who is no member cannot be changed', async () => {
  const update = (userId: string) => maintainer.user.updateGroupMember({ groupId, userId, role: Role.GUEST, etag: '*' });
  await expect(update(suite.admin.id)).rejects.toMatchObject({ reason: 'ROLE_ABOVE_OWN' });
  await expect(update(randomUUID())).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('members leave by themselves, and are put out by maintainers alone', async () => {
  const [leaver, guest] = [await suite.user(), await suite.user()];
  for (const user of [leaver, guest]) await suite.member(groupId, user, Role.GUEST);
  const remove = (by: TestUser, userId: string) => by.user.removeGroupMember({ groupId, userId, etag: '*' });
  await expect(remove(guest, leaver.id)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await remove(leaver, leaver.id);
  expect(await permissionsOf(leaver)).toEqual([]);
  await expect(leaver.user.listGroupMembers({ groupId })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await remove(maintainer, guest.id);
  await expect(remove(maintainer, guest.id)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('a member added with a request id is added once', async () => {
  const request = { groupId, userId: (await suite.user()).id, role: Role.GUEST, requestId: randomUUID() };
  const first = await maintainer.user.addGroupMember(request);
  expect((await maintainer.user.addGroupMember(request)).member).toEqual(first.member);
  await expect(maintainer.user.addGroupMember({ ...request, role: Role.DEVELOPER })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
});

test('the lists of groups and members go page by page; a group is found by its name', async () => {
  const user = await suite.user();
  const own: string[] = [];
  for (const name of ['north', 'south', 'west']) {
    own.push(await suite.group(name));
    await suite.member(own.at(-1) ?? '', user, Role.GUEST);
  }
  const first = await user.user.listGroups({ pageSize: 2 });
  const rest = await user.user.listGroups({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.groups, ...rest.groups].map(({ id }) => id)).toEqual(own);
  expect((await user.user.listGroups({ displayName: 'south' })).groups).toMatchObject([{ id: own[1], displayName: 'south' }]);
  expect((await suite.admin.user.listGroups({})).groups.map(({ id }) => id)).toEqual(expect.arrayContaining([groupId, ...own]));
  const page = await user.user.listGroupMembers({ groupId: own[0] ?? '', pageSize: 1 });
  const last = await user.user.listGroupMembers({ groupId: own[0] ?? '', pageSize: 1, pageToken: page.nextPageToken });
  expect([...page.members, ...last.members].map(({ userId }) => userId).toSorted()).toEqual([suite.admin.id, user.id].toSorted());
});
