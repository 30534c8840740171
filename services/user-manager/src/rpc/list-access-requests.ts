import { AccessRequest } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { ListAccessRequestsRequest, ListAccessRequestsResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { fetchConnection } from '../app/fetch-connection.ts';
import { accessRequestViews } from '../app/views.ts';
import * as accessRequests from '../store/access-requests.ts';

/** A page of the caller's own requests, or of those for a connection that the caller owns. */
export const listAccessRequests =
  (deps: Deps) =>
  async (request: ListAccessRequestsRequest, ctx: UserCall): Promise<ListAccessRequestsResponse> => {
    const caller = ctx.user;
    if (request.connectionId !== '') {
      const connection = await fetchConnection(deps, ctx, request.connectionId);
      if (!caller.superuser && !connection.ownerIds.includes(caller.userId)) throw notFound('connection');
    }
    const page = openPage(ctx, request);
    const userId = request.connectionId === '' ? caller.userId : '';
    const rows = await accessRequests.listAccessRequests(deps.store.db, {
      userId,
      connectionId: request.connectionId,
      state: request.state,
      after: page.after,
      limit: page.limit + 1,
    });
    const views = await accessRequestViews(deps.store.db, rows, deps.now());
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, AccessRequest);
    return { accessRequests: items, nextPageToken };
  };
