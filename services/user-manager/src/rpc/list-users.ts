import { User } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { ListUsersRequest, ListUsersResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { userView } from '../app/views.ts';
import * as users from '../store/users.ts';

/** A page of users. */
export const listUsers =
  (deps: Deps) =>
  async (request: ListUsersRequest, ctx: UserCall): Promise<ListUsersResponse> => {
    const page = openPage(ctx, request);
    const rows = await users.listUsers(deps.store.db, {
      after: page.after,
      limit: page.limit + 1,
      query: request.query,
      withDeactivated: ctx.user.superuser,
    });
    const { items, nextPageToken } = closePage(page, rows.map(userView), ({ id }) => id, User);
    return { users: items, nextPageToken };
  };
