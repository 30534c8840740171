import { enumName } from '@lethe/contracts/enum-name';
import { AccessRequest_State as State, Notification_Kind as Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { RevokeAccessRequest, RevokeAccessResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { notify } from '../app/notify.ts';
import { loadOwnedRequest } from '../app/owned-request.ts';
import { accessRequestView, auditAccess } from '../app/views.ts';
import { stateAt } from '../domain/access.ts';
import { lockAccessRequest, markRevoked } from '../store/access-requests.ts';

/** Revokes an approved access. */
export const revokeAccess =
  (deps: Deps) =>
  async (request: RevokeAccessRequest, ctx: UserCall): Promise<RevokeAccessResponse> => {
    const { request: owned, connection } = await loadOwnedRequest(deps, ctx, request.accessRequestId);
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [owned.userId] }, async (tx, authzRevision) => {
      const before = await lockAccessRequest(tx, owned.id);
      const state = stateAt(before.state, before.expireTime, deps.now());
      if (state !== State.APPROVED) throw fail('NOT_APPROVED', { state: enumName(State, state) });
      const after = await markRevoked(tx, before.id, request.comment, deps.now());
      const resource = `access_requests/${after.id}`;
      await notify(tx, [after.userId], {
        kind: Kind.ACCESS_DECIDED,
        resource,
        groupId: '',
        text: `Your access to the connection ${connection.displayName} was revoked`,
      });
      return {
        response: { accessRequest: await accessRequestView(tx, after, deps.now()), authzRevision },
        resource,
        groupId: connection.groupId,
        before: auditAccess(before),
        after: auditAccess(after),
      };
    });
  };
