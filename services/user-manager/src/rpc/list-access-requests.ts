import { AccessRequest } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { ListAccessRequestsRequest, ListAccessRequestsResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { fetchConnection, ownedConnections } from '../app/fetch-connection.ts';
import { accessRequestViews } from '../app/views.ts';
import * as accessRequests from '../store/access-requests.ts';

/** A page of the caller's own requests and of those for connections that the caller owns, or of those for one of these. */
export const listAccessRequests =
  (deps: Deps) =>
  async (request: ListAccessRequestsRequest, ctx: UserCall): Promise<ListAccessRequestsResponse> => {
    const caller = ctx.user;
    if (request.connectionId !== '') {
      const connection = await fetchConnection(deps, ctx, request.connectionId);
      if (!caller.superuser && !connection.ownerIds.includes(caller.userId)) throw notFound('connection');
    }
    const page = openPage(ctx, request);
    const ofConnection = request.connectionId !== '';
    const rows = await accessRequests.listAccessRequests(deps.store.db, {
      userId: ofConnection ? '' : caller.userId,
      connectionIds: ofConnection ? [request.connectionId] : await ownedConnections(deps, ctx, caller.userId),
      state: request.state,
      after: page.after,
      limit: page.limit + 1,
    });
    const views = await accessRequestViews(deps.store.db, rows, deps.now());
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, AccessRequest);
    return { accessRequests: items, nextPageToken };
  };
