import { AccessRequest_State as State, Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { RevokeAccessRequest, RevokeAccessResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { stateAt, stateName } from '../domain/access.ts';
import { lockAccessRequest } from '../store/access-requests.ts';
import { notify } from '../store/notifications.ts';
import { loadOwnedRequest } from '../app/owned-request.ts';
import type { Deps } from '../app/deps.ts';
import { changeRights } from '../app/change-rights.ts';
import { accessRequestView, auditAccess } from '../app/views.ts';

/** Takes an approved access back. */
export const revokeAccess =
  (deps: Deps) =>
  async (request: RevokeAccessRequest, ctx: UserCall): Promise<RevokeAccessResponse> => {
    const found = await loadOwnedRequest(deps, ctx, request.accessRequestId);
    const { connection } = found;
    return changeRights(deps, ctx, request.requestId, [found.request.userId], async (tx, authzRevision) => {
      const before = await lockAccessRequest(tx, found.request.id);
      const state = stateAt(before.state as State, before.expireTime, deps.now());
      if (state !== State.APPROVED) throw fail('NOT_APPROVED', { state: stateName(state) });
      const after = await tx
        .updateTable('accessRequests')
        .set({ state: State.REVOKED, comment: request.comment, updateTime: deps.now() })
        .where('id', '=', before.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      const resource = `access_requests/${after.id}`;
      await notify(tx, [after.userId], {
        kind: Kind.ACCESS_DECIDED,
        resource,
        groupId: '',
        text: `Your access to the connection ${connection.displayName} was revoked`,
      });
      return {
        response: { accessRequest: accessRequestView(after, deps.now()), authzRevision },
        resource,
        groupId: connection.groupId,
        before: auditAccess(before),
        after: auditAccess(after),
      };
    });
  };
