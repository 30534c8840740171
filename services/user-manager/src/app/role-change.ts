// Which role a caller may give or take; the last owner of a group stays one.
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { keepsOwner, mayChangeRole } from '../domain/members.ts';
import { lockOwners } from '../store/members.ts';
import type { Tx } from '../store/tables.ts';

/** The role in whose name the caller changes members; superusers act as owners. */
export const ownRole = (ctx: UserCall, groupId: string): Role => {
  const caller = ctx.user;
  return caller.superuser ? Role.OWNER : (caller.memberships.get(groupId)?.role ?? Role.UNSPECIFIED);
};

/** Refuses a change of role that the caller may not make, or that leaves the group without an owner. */
export const checkRoleChange = async (
  tx: Tx,
  own: Role,
  change: { groupId: string; userId: string; before: Role | undefined; after: Role | undefined },
): Promise<void> => {
  const owners = await lockOwners(tx, change.groupId);
  if (!mayChangeRole(own, change.before, change.after)) throw fail('ROLE_ABOVE_OWN');
  if (change.before === Role.OWNER && !keepsOwner(owners, change.userId, change.after)) throw fail('LAST_OWNER');
};
