import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { CheckAccessRequest, CheckAccessResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { CallContext } from '@lethe/grpc/context';
import { invalidField } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { fetchConnection } from '../app/fetch-connection.ts';
import { membershipView } from '../app/views.ts';
import { grantsOf } from '../store/access-requests.ts';
import { membershipsOf } from '../store/members.ts';
import { findUser } from '../store/users.ts';

const NO: CheckAccessResponse = { allowed: false, accessRequestId: '', expireTime: undefined };

/** The user and the connection's group; users may name only themselves, and the group is looked up for them. */
const readSubject = async (deps: Deps, request: CheckAccessRequest, ctx: CallContext): Promise<{ userId: string; groupId: string }> => {
  if (ctx.principal.kind === 'service') {
    if (request.userId === '') throw invalidField('user_id', 'required', 'a service names the user');
    return { userId: request.userId, groupId: request.connectionGroupId };
  }
  const userId = ctx.principal.kind === 'user' ? ctx.principal.userId : '';
  if (request.userId !== '' && request.userId !== userId) throw invalidField('user_id', 'self', 'users ask for themselves');
  return { userId, groupId: (await fetchConnection(deps, ctx, request.connectionId)).groupId };
};

/** Whether a user may use a connection now: by a role in its own group, or by a grant. Read from the tables, never from a cache. */
export const checkAccess =
  (deps: Deps) =>
  async (request: CheckAccessRequest, ctx: CallContext): Promise<CheckAccessResponse> => {
    const { userId, groupId } = await readSubject(deps, request, ctx);
    const { db } = deps.store;
    const user = await findUser(db, userId);
    if (user?.state !== User_State.ACTIVE) return NO;
    const memberships = (await membershipsOf(db, userId)).map(membershipView);
    if (memberships.some((member) => member.groupId === groupId && member.permissions.includes('connection.use')))
      return { ...NO, allowed: true };
    const grants = await grantsOf(db, userId, deps.now());
    const grant = grants.find(({ connectionId, access }) => connectionId === request.connectionId && access === request.access);
    return grant ? { allowed: true, accessRequestId: grant.id, expireTime: grant.expireTime ?? undefined } : NO;
  };
