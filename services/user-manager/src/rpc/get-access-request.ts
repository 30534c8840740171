import type { GetAccessRequestRequest, GetAccessRequestResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';
import { loadOwnedRequest } from '../app/owned-request.ts';
import { accessRequestView } from '../app/views.ts';
import { findAccessRequest } from '../store/access-requests.ts';

/** One of the caller's own requests, or one for a connection that the caller owns. */
export const getAccessRequest =
  (deps: Deps) =>
  async (request: GetAccessRequestRequest, ctx: UserCall): Promise<GetAccessRequestResponse> => {
    const own = await findAccessRequest(deps.store.db, request.accessRequestId);
    const found = own?.userId === ctx.user.userId ? own : (await loadOwnedRequest(deps, ctx, request.accessRequestId)).request;
    return { accessRequest: await accessRequestView(deps.store.db, found, deps.now()) };
  };
