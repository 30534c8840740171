import { Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { ListScriptsRequest, ListScriptsResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { groupsWith } from '@lethe/grpc/principal';
import type { Deps } from '../app/deps.ts';
import { scriptView } from '../app/views.ts';
import * as scripts from '../store/scripts.ts';

/** A page of the scripts of the caller's groups. */
export const listScripts =
  (deps: Deps) =>
  async (request: ListScriptsRequest, ctx: CallContext): Promise<ListScriptsResponse> => {
    const page = openPage(ctx, request);
    const rows = await scripts.listScripts(deps.store.db, {
      ...request,
      groupIds: groupsWith(ctx.principal, 'script.list'),
      after: page.after,
      limit: page.limit + 1,
    });
    const views = rows.map((row) => scriptView(row, row.head, false));
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, Script);
    return { scripts: items, nextPageToken };
  };
