import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { AccessRequest_State as State, Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { AddAccessRequest, AddAccessResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail, invalidField } from '@lethe/grpc/errors';
import { randomUUIDv7 } from 'node:crypto';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { fetchConnection } from '../app/fetch-connection.ts';
import { notify } from '../app/notify.ts';
import { accessRequestView, auditAccess } from '../app/views.ts';
import { findLiveRequest, insertAccessRequest, markExpired } from '../store/access-requests.ts';
import { findUser } from '../store/users.ts';

const checkRequest = (
  deps: Deps,
  ctx: UserCall,
  request: AddAccessRequest,
  connection: Connection,
): { userId: string; atOnce: boolean } => {
  const caller = ctx.user;
  const owner = connection.ownerIds.includes(caller.userId);
  const userId = request.userId || caller.userId;
  if (userId !== caller.userId && !owner) throw fail('PERMISSION_DENIED', { permission: 'access.approve' });
  if (request.expireTime && request.expireTime <= deps.now()) throw fail('TIME_INVALID', { field: 'expire_time' });
  const atOnce = userId !== caller.userId;
  if (request.expireTime && !atOnce) throw invalidField('expire_time', 'TIME_INVALID', 'the owner who decides says when the access ends');
  return { userId, atOnce };
};

/** Requests access to a connection; an owner who names another user grants it at once. */
export const addAccess =
  (deps: Deps) =>
  async (request: AddAccessRequest, ctx: UserCall): Promise<AddAccessResponse> => {
    const connection = await fetchConnection(deps, ctx, request.connectionId);
    const { userId, atOnce } = checkRequest(deps, ctx, request, connection);
    const callerId = ctx.user.userId;
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [userId] }, async (tx, authzRevision) => {
      const user = await findUser(tx, userId);
      if (user?.state !== User_State.ACTIVE) throw fail('USER_INACTIVE');
      await markExpired(tx, deps.now());
      const live = await findLiveRequest(tx, { connectionId: connection.id, userId, access: request.access });
      if (live) throw fail('ACCESS_EXISTS', { access_request_id: live.id });
      const made = await insertAccessRequest(tx, {
        id: randomUUIDv7(),
        connectionId: connection.id,
        connectionGroupId: connection.groupId,
        connectionName: connection.displayName,
        userId,
        access: request.access,
        reason: request.reason,
        state: atOnce ? State.APPROVED : State.PENDING,
        deciderId: atOnce ? callerId : null,
        decideTime: atOnce ? deps.now() : null,
        comment: '',
        expireTime: request.expireTime ?? null,
      });
      const about = { resource: `access_requests/${made.id}`, groupId: connection.groupId };
      if (atOnce)
        await notify(tx, [userId], {
          ...about,
          kind: Kind.ACCESS_DECIDED,
          text: `You were given access to the connection ${connection.displayName}`,
        });
      else
        await notify(tx, connection.ownerIds, {
          ...about,
          kind: Kind.ACCESS_REQUESTED,
          text: `Access to your connection ${connection.displayName} is asked for`,
        });
      return {
        response: { accessRequest: await accessRequestView(tx, made, deps.now()), authzRevision },
        ...about,
        after: auditAccess(made),
      };
    });
  };
