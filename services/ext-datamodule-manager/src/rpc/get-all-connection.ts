import { AccessStatus, ConnectionCard } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { GetAllConnectionRequest, GetAllConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { UserCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { mayIn, type UserPrincipal } from '@lethe/grpc/principal';
import type { Deps } from '../app/deps.ts';
import { cardView } from '../app/views.ts';
import { listConnections } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';

const statusOf = (caller: UserPrincipal, row: ConnectionRow, access: Access): AccessStatus => {
  if (mayIn(caller, 'connection.use', row.groupId)) return AccessStatus.OWN_GROUP;
  const holds = (grant: { connectionId: string; access: Access }): boolean => grant.connectionId === row.id && grant.access === access;
  if (caller.access?.grants.some(holds)) return AccessStatus.GRANTED;
  return caller.access?.pendingGrants.some(holds) ? AccessStatus.PENDING : AccessStatus.NONE;
};

/** A page of connection cards. */
export const getAllConnection =
  (deps: Deps) =>
  async (request: GetAllConnectionRequest, ctx: UserCall): Promise<GetAllConnectionResponse> => {
    const caller = ctx.user;
    const page = openPage(ctx, request);
    const groupIds = caller.superuser ? undefined : [...caller.memberships.keys()];
    const rows = await listConnections(deps.store.db, {
      ...request,
      groupIds,
      userId: caller.userId,
      after: page.after,
      limit: page.limit + 1,
    });
    const cards = rows.map((row) => cardView(row, statusOf(caller, row, Access.READ), statusOf(caller, row, Access.WRITE)));
    const { items, nextPageToken } = closePage(page, cards, ({ id }) => id, ConnectionCard);
    return { connections: items, nextPageToken };
  };
