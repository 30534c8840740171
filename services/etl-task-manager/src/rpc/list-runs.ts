import { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { ListRunsRequest, ListRunsResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { groupsWith } from '@lethe/grpc/principal';
import type { Deps } from '../app/deps.ts';
import { runView } from '../app/views.ts';
import * as runs from '../store/runs.ts';

/** A page of the runs of the caller's groups, newest first. */
export const listRuns =
  (deps: Deps) =>
  async (request: ListRunsRequest, ctx: CallContext): Promise<ListRunsResponse> => {
    const page = openPage(ctx, request);
    const rows = await runs.listRuns(deps.store.db, {
      ...request,
      groupIds: groupsWith(ctx.principal, 'run.list'),
      after: page.after,
      limit: page.limit + 1,
    });
    const views = rows.map((row) => runView(row));
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, Run);
    return { runs: items, nextPageToken };
  };
