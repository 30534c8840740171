import { Task } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { ListTasksRequest, ListTasksResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { groupsWith } from '@lethe/grpc/principal';
import type { Deps } from '../app/deps.ts';
import { taskView } from '../app/views.ts';
import * as tasks from '../store/tasks.ts';

/** A page of the tasks of the caller's groups. */
export const listTasks =
  (deps: Deps) =>
  async (request: ListTasksRequest, ctx: CallContext): Promise<ListTasksResponse> => {
    const page = openPage(ctx, request);
    const rows = await tasks.listTasks(deps.store.db, {
      ...request,
      groupIds: groupsWith(ctx.principal, 'task.list'),
      after: page.after,
      limit: page.limit + 1,
    });
    const views = rows.map((row) => taskView(row, undefined));
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, Task);
    return { tasks: items, nextPageToken };
  };
