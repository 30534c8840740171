// Members and groups through the wire: roles and duties change at once, and lists show what is the caller's.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let groupId: string;
let maintainer: TestUser;
let guest: TestUser;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'script'] });
});
afterAll(() => suite.close());
beforeEach(async () => {
  [groupId, maintainer, guest] = [await suite.group(), await suite.user(), await suite.user()];
  await suite.member(groupId, maintainer, Role.MAINTAINER);
  await suite.member(groupId, guest, Role.GUEST);
});

const permissions = async (user: TestUser): Promise<string[]> => (await user.user.getUser({})).access?.memberships[0]?.permissions ?? [];

const etagOf = async (userId: string): Promise<string> => {
  const { members } = await maintainer.user.listGroupMembers({ groupId });
  return members.find((member) => member.userId === userId)?.etag ?? '';
};

describe('UpdateGroupMember', () => {
  test('changes role and duties at once, and within seconds in the other services', async () => {
    const create = { groupId, displayName: 'x', type: Script_Type.EXTRACTION, language: Script_Language.SQL, content: 'SELECT 1 AS x' };
    await expect(guest.script.createScript(create)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
    const change = { groupId, userId: guest.id, role: Role.GUEST, duties: [Duty.TASK_EDITOR] };
    const { member, authzRevision } = await maintainer.user.updateGroupMember({ ...change, etag: await etagOf(guest.id) });
    expect(member).toMatchObject({ role: Role.GUEST, duties: [Duty.TASK_EDITOR] });
    expect(authzRevision).toBeGreaterThan(0n);
    expect(await permissions(guest)).toContain('script.create');
    await expect
      .poll(
        () =>
          guest.script.createScript(create).then(
            () => 'OK',
            () => 'refused',
          ),
        { timeout: 10_000 },
      )
      .toBe('OK');
  });

  test('takes away what the new role does not give', async () => {
    const change = { groupId, userId: guest.id, duties: [], etag: '*' };
    await maintainer.user.updateGroupMember({ ...change, role: Role.MAINTAINER });
    expect(await permissions(guest)).toContain('row.read');
    await maintainer.user.updateGroupMember({ ...change, role: Role.DEVELOPER });
    expect(await permissions(guest)).not.toContain('row.read');
    expect(await permissions(guest)).toContain('run.start');
  });

  test('gives no role above the own, touches no owner, and needs the member as it was read', async () => {
    const change = { groupId, userId: guest.id, role: Role.OWNER, duties: [], etag: '*' };
    await expect(maintainer.user.updateGroupMember(change)).rejects.toMatchObject({ reason: 'ROLE_ABOVE_OWN' });
    await expect(maintainer.user.updateGroupMember({ ...change, userId: suite.admin.id, role: Role.GUEST })).rejects.toMatchObject({
      reason: 'ROLE_ABOVE_OWN',
    });
    const old = await etagOf(guest.id);
    await maintainer.user.updateGroupMember({ ...change, role: Role.DEVELOPER, etag: old });
    await expect(maintainer.user.updateGroupMember({ ...change, role: Role.GUEST, etag: old })).rejects.toMatchObject({
      reason: 'ETAG_MISMATCH',
    });
  });

  test('does not find somebody who is no member', async () => {
    const { id: userId } = await suite.user();
    const change = { groupId, userId, role: Role.GUEST, duties: [], etag: '*' };
    await expect(maintainer.user.updateGroupMember(change)).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });
});

test('members are listed with role and name, page by page, to members', async () => {
  const seen = new Map<string, Role>();
  let pageToken = '';
  do {
    const page = await guest.user.listGroupMembers({ groupId, pageSize: 1, pageToken });
    for (const { userId, role } of page.members) seen.set(userId, role);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(Object.fromEntries(seen)).toEqual({ [suite.admin.id]: Role.OWNER, [maintainer.id]: Role.MAINTAINER, [guest.id]: Role.GUEST });
});

test('a member is added once', async () => {
  const again = maintainer.user.addGroupMember({ groupId, userId: guest.id, role: Role.DEVELOPER });
  await expect(again).rejects.toMatchObject({ reason: 'MEMBER_EXISTS' });
});

test('groups are listed to their members, by name and by namespace, and to superusers all', async () => {
  const [displayName, namespace] = [`named-${randomUUID()}`, `ns-${randomUUID()}`];
  const { group } = await suite.admin.user.createGroup({ displayName, namespace });
  const ids = async (user: TestUser, filter = {}): Promise<string[]> => (await user.user.listGroups(filter)).groups.map(({ id }) => id);
  expect(await ids(guest)).toEqual([groupId]);
  expect(await ids(guest, { displayName })).toEqual([]);
  expect(await ids(suite.admin, { displayName })).toEqual([group?.id]);
  expect(await ids(suite.admin, { namespace })).toEqual([group?.id]);
});
