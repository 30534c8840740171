import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { CreateGroupRequest, CreateGroupResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { randomUUIDv7 } from 'node:crypto';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { auditGroup, groupView } from '../app/views.ts';
import { insertGroup } from '../store/groups.ts';
import { insertMember } from '../store/members.ts';

/** Makes a group with the caller as its owner. */
export const createGroup =
  (deps: Deps) =>
  async (request: CreateGroupRequest, ctx: UserCall): Promise<CreateGroupResponse> => {
    const caller = ctx.user;
    if (!caller.superuser && !caller.permissions.has('group.create')) throw fail('PERMISSION_DENIED', { permission: 'group.create' });
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [caller.userId] }, async (tx, authzRevision) => {
      const { displayName, description, namespace } = request;
      const group = await insertGroup(tx, { id: randomUUIDv7(), displayName, description, namespace });
      await insertMember(tx, { groupId: group.id, userId: caller.userId, role: Role.OWNER, duties: [] });
      return {
        response: { group: groupView(group), authzRevision },
        resource: `groups/${group.id}`,
        groupId: group.id,
        after: auditGroup(group),
        revision: group.version,
      };
    });
  };
