// The actors of the specification, in one group: each has the duty that the use cases give it, and no other.
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { Suite, TestUser } from './suite.ts';

/** The people of a group, and somebody of no group. */
export type People = {
  groupId: string;
  editor: TestUser;
  manager: TestUser;
  reviewer: TestUser;
  guest: TestUser;
  stranger: TestUser;
};

/** Makes a group with its people. */
export const makePeople = async (suite: Suite): Promise<People> => {
  const groupId = await suite.group();
  const member = async (...duties: Duty[]): Promise<TestUser> => {
    const user = await suite.user();
    await suite.member(groupId, user, Role.GUEST, duties);
    return user;
  };
  return {
    groupId,
    editor: await member(Duty.TASK_EDITOR),
    manager: await member(Duty.TASK_MANAGER),
    reviewer: await member(Duty.DATA_MANAGER),
    guest: await member(),
    stranger: await suite.user(),
  };
};

/** The permissions that GetUser says a person has in a group: what a console asks before it shows a page. */
export const permissionsIn = async (user: TestUser, groupId: string): Promise<string[]> => {
  const { access } = await user.user.getUser({});
  return access?.memberships.find((membership) => membership.groupId === groupId)?.permissions ?? [];
};
