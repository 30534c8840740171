import { Group } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { ListGroupsRequest, ListGroupsResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { groupView } from '../app/views.ts';
import * as groups from '../store/groups.ts';

/** A page of the caller's groups; of all for superusers. */
export const listGroups =
  (deps: Deps) =>
  async (request: ListGroupsRequest, ctx: UserCall): Promise<ListGroupsResponse> => {
    const caller = ctx.user;
    const page = openPage(ctx, request);
    const ids = caller.superuser ? undefined : [...caller.memberships.keys()];
    const rows = await groups.listGroups(deps.store.db, {
      ids,
      after: page.after,
      limit: page.limit + 1,
      displayName: request.displayName,
      namespace: request.namespace,
    });
    const { items, nextPageToken } = closePage(page, rows.map(groupView), ({ id }) => id, Group);
    return { groups: items, nextPageToken };
  };
