import { Token } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { ListTokensRequest, ListTokensResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { tokenView } from '../app/views.ts';
import * as tokens from '../store/tokens.ts';

/** A page of the caller's tokens, without secrets. */
export const listTokens =
  (deps: Deps) =>
  async (request: ListTokensRequest, ctx: UserCall): Promise<ListTokensResponse> => {
    const page = openPage(ctx, request);
    const rows = await tokens.listTokens(deps.store.db, { userId: ctx.user.userId, after: page.after, limit: page.limit + 1 });
    const { items, nextPageToken } = closePage(page, rows.map(tokenView), ({ id }) => id, Token);
    return { tokens: items, nextPageToken };
  };
