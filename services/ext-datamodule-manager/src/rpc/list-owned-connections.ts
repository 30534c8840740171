import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type {
  ListOwnedConnectionsRequest,
  ListOwnedConnectionsResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { ServiceCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { connectionView } from '../app/views.ts';
import { listOwned } from '../store/connections.ts';

/** A page of the connections that a user owns. */
export const listOwnedConnections =
  (deps: Deps) =>
  async (request: ListOwnedConnectionsRequest, ctx: ServiceCall): Promise<ListOwnedConnectionsResponse> => {
    const page = openPage(ctx, request);
    const rows = await listOwned(deps.store.db, { userId: request.userId, after: page.after, limit: page.limit + 1 });
    const { items, nextPageToken } = closePage(page, rows.map(connectionView), ({ id }) => id, Connection);
    return { connections: items, nextPageToken };
  };
