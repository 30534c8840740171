// Adding members and letting them go.
import { Duty, Role, User, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

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

test('an unknown or deactivated user is not added, and a role is asked for', async () => {
  const add = (userId: string, role: Role = Role.GUEST) => maintainer.user.addGroupMember({ groupId, userId, role });
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

test('a change of a member needs an etag and a role', async () => {
  const user = await suite.user();
  await suite.member(groupId, user, Role.GUEST);
  const change = { groupId, userId: user.id };
  await expect(maintainer.user.updateGroupMember({ ...change, role: Role.DEVELOPER })).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  await expect(maintainer.user.updateGroupMember({ ...change, etag: '*' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'role' }],
  });
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

test('the list of groups goes page by page, each once', async () => {
  const user = await suite.user();
  const own: string[] = [];
  for (const name of ['north', 'south', 'west']) {
    own.push(await suite.group(name));
    await suite.member(own.at(-1) ?? '', user, Role.GUEST);
  }
  const first = await user.user.listGroups({ pageSize: 2 });
  const rest = await user.user.listGroups({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.groups, ...rest.groups].map(({ id }) => id)).toEqual(own);
  expect(rest.nextPageToken).toBe('');
});
