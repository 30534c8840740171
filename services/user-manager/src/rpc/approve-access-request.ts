import { enumName } from '@lethe/contracts/enum-name';
import { AccessRequest_State as State, Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import {
  Decision,
  type ApproveAccessRequestRequest,
  type ApproveAccessRequestResponse,
} from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { notify } from '../app/notify.ts';
import { loadOwnedRequest } from '../app/owned-request.ts';
import { accessRequestView, auditAccess } from '../app/views.ts';
import { mayDecide, stateAt } from '../domain/access.ts';
import { lockAccessRequest, markDecided } from '../store/access-requests.ts';

/** Approves or denies a pending request, once. */
export const approveAccessRequest =
  (deps: Deps) =>
  async (request: ApproveAccessRequestRequest, ctx: UserCall): Promise<ApproveAccessRequestResponse> => {
    const { request: owned, connection } = await loadOwnedRequest(deps, ctx, request.accessRequestId);
    const approve = request.decision === Decision.APPROVE;
    if (!mayDecide(ctx.user.userId, owned.userId)) throw fail('OWN_REQUEST');
    if (request.expireTime && request.expireTime <= deps.now()) throw fail('TIME_INVALID', { field: 'expire_time' });
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [owned.userId] }, async (tx, authzRevision) => {
      const before = await lockAccessRequest(tx, owned.id);
      const state = stateAt(before.state, before.expireTime, deps.now());
      if (state !== State.PENDING) throw fail('ALREADY_DECIDED', { state: enumName(State, state) });
      const decision = approve
        ? { state: State.APPROVED, expireTime: request.expireTime ?? null }
        : { state: State.DENIED, expireTime: null };
      const decided = { ...decision, deciderId: ctx.user.userId, comment: request.comment };
      const after = await markDecided(tx, before.id, decided, deps.now());
      const resource = `access_requests/${after.id}`;
      const text = `Your request for the connection ${connection.displayName} was ${approve ? 'approved' : 'denied'}`;
      await notify(tx, [after.userId], { kind: Kind.ACCESS_DECIDED, resource, groupId: '', text });
      return {
        response: { accessRequest: await accessRequestView(tx, after, deps.now()), authzRevision },
        resource,
        groupId: connection.groupId,
        before: auditAccess(before),
        after: auditAccess(after),
      };
    });
  };
