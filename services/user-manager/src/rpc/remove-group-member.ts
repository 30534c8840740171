import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { RemoveGroupMemberRequest, RemoveGroupMemberResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { loadVisible } from '@lethe/grpc/visible';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { checkRoleChange, ownRole } from '../app/role-change.ts';
import { auditMember } from '../app/views.ts';
import { findGroup } from '../store/groups.ts';
import { deleteMember, lockMember } from '../store/members.ts';

/** Removes a user from a group; everybody may remove themselves. */
export const removeGroupMember =
  (deps: Deps) =>
  async (request: RemoveGroupMemberRequest, ctx: UserCall): Promise<RemoveGroupMemberResponse> => {
    const { groupId, userId } = request;
    const self = ctx.user.userId === userId;
    await loadVisible(ctx, 'group', findGroup(deps.store.db, groupId), self ? 'group.read' : 'member.update');
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [userId] }, async (tx, authzRevision) => {
      const before = await lockMember(tx, groupId, userId);
      if (!before) throw notFound('member');
      checkEtag(request.etag, before.version);
      await checkRoleChange(tx, self ? Role.OWNER : ownRole(ctx, groupId), {
        groupId,
        userId,
        before: before.role,
        after: undefined,
      });
      await deleteMember(tx, before);
      return { response: { authzRevision }, resource: `groups/${groupId}/members/${userId}`, groupId, before: auditMember(before) };
    });
  };
