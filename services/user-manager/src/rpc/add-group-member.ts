import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { AddGroupMemberRequest, AddGroupMemberResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { checkRoleChange, ownRole } from '../app/role-change.ts';
import { auditMember, memberView } from '../app/views.ts';
import { findGroup } from '../store/groups.ts';
import { insertMember, lockMember } from '../store/members.ts';
import { findUser } from '../store/users.ts';

/** Adds a user to a group. */
export const addGroupMember =
  (deps: Deps) =>
  async (request: AddGroupMemberRequest, ctx: UserCall): Promise<AddGroupMemberResponse> => {
    const { groupId, userId, role, duties } = request;
    await loadVisible(ctx, 'group', findGroup(deps.store.db, groupId));
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [userId] }, async (tx, authzRevision) => {
      const user = await findUser(tx, userId);
      if (user?.state !== User_State.ACTIVE) throw fail('USER_INACTIVE');
      await checkRoleChange(tx, ownRole(ctx, groupId), { groupId, userId, before: undefined, after: role });
      if (await lockMember(tx, groupId, userId)) throw fail('MEMBER_EXISTS');
      const member = await insertMember(tx, { groupId, userId, role, duties });
      return {
        response: { member: memberView(member, user.displayName), authzRevision },
        resource: `groups/${groupId}/members/${userId}`,
        groupId,
        after: auditMember(member),
        revision: member.version,
      };
    });
  };
