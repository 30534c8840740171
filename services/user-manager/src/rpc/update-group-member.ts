import type { UpdateGroupMemberRequest, UpdateGroupMemberResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { loadVisible } from '@lethe/grpc/visible';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { checkRoleChange, ownRole } from '../app/role-change.ts';
import { auditMember, memberView } from '../app/views.ts';
import { findGroup } from '../store/groups.ts';
import { lockMember, updateMember } from '../store/members.ts';
import { findUser } from '../store/users.ts';

/** Gives a member another role and other duties. */
export const updateGroupMember =
  (deps: Deps) =>
  async (request: UpdateGroupMemberRequest, ctx: UserCall): Promise<UpdateGroupMemberResponse> => {
    const { groupId, userId, role, duties } = request;
    await loadVisible(ctx, 'group', findGroup(deps.store.db, groupId));
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [userId] }, async (tx, authzRevision) => {
      const before = await lockMember(tx, groupId, userId);
      if (!before) throw notFound('member');
      checkEtag(request.etag, before.version);
      await checkRoleChange(tx, ownRole(ctx, groupId), { groupId, userId, before: before.role, after: role });
      const after = await updateMember(tx, before, { role, duties }, deps.now());
      const user = await findUser(tx, userId);
      return {
        response: { member: memberView(after, user?.displayName ?? ''), authzRevision },
        resource: `groups/${groupId}/members/${userId}`,
        groupId,
        before: auditMember(before),
        after: auditMember(after),
        revision: after.version,
      };
    });
  };
