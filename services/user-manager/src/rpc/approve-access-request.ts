import { AccessRequest_State as State, Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import {
  Decision,
  type ApproveAccessRequestRequest,
  type ApproveAccessRequestResponse,
} from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { mayDecide, stateAt, stateName } from '../domain/access.ts';
import { lockAccessRequest } from '../store/access-requests.ts';
import { notify } from '../store/notifications.ts';
import { loadOwnedRequest } from '../app/owned-request.ts';
import type { Deps } from '../app/deps.ts';
import { changeRights } from '../app/change-rights.ts';
import { accessRequestView, auditAccess } from '../app/views.ts';

/** Approves or denies a pending request, once. */
export const approveAccessRequest =
  (deps: Deps) =>
  async (request: ApproveAccessRequestRequest, ctx: UserCall): Promise<ApproveAccessRequestResponse> => {
    const found = await loadOwnedRequest(deps, ctx, request.accessRequestId);
    const { connection } = found;
    const approve = request.decision === Decision.APPROVE;
    if (!mayDecide(ctx.user.userId, found.request.userId)) throw fail('OWN_REQUEST');
    if (request.expireTime && request.expireTime <= deps.now()) throw fail('TIME_INVALID', { field: 'expire_time' });
    return changeRights(deps, ctx, request.requestId, [found.request.userId], async (tx, authzRevision) => {
      const before = await lockAccessRequest(tx, found.request.id);
      const state = stateAt(before.state as State, before.expireTime, deps.now());
      if (state !== State.PENDING) throw fail('ALREADY_DECIDED', { state: stateName(state) });
      const after = await tx
        .updateTable('accessRequests')
        .set({
          state: approve ? State.APPROVED : State.DENIED,
          deciderId: ctx.user.userId,
          decideTime: deps.now(),
          comment: request.comment,
          expireTime: approve ? (request.expireTime ?? null) : null,
          updateTime: deps.now(),
        })
        .where('id', '=', before.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      const resource = `access_requests/${after.id}`;
      const text = `Your request for the connection ${connection.displayName} was ${approve ? 'approved' : 'denied'}`;
      await notify(tx, [after.userId], { kind: Kind.ACCESS_DECIDED, resource, groupId: '', text });
      return {
        response: { accessRequest: accessRequestView(after, deps.now()), authzRevision },
        resource,
        groupId: connection.groupId,
        before: auditAccess(before),
        after: auditAccess(after),
      };
    });
  };
