import {
  MissingLeafValue,
  type ListMissingLeavesRequest,
  type ListMissingLeavesResponse,
} from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { loadVisible } from '@lethe/grpc/visible';
import type { RunDeps } from '../deps.ts';
import { findExecution } from '../store/executions.ts';
import { listMissingLeaves as readMissingLeaves } from '../store/missing-leaves.ts';

const findRun = async (deps: RunDeps, runId: string): Promise<{ id: string; groupId: string } | undefined> => {
  const found = await findExecution(deps.store.db, runId);
  return found && { id: found.runId, groupId: found.groupId };
};

/** A page of the values of a run that had no leaf. */
export const listMissingLeaves =
  (deps: RunDeps) =>
  async (request: ListMissingLeavesRequest, ctx: CallContext): Promise<ListMissingLeavesResponse> => {
    const { id: runId } = await loadVisible(ctx, 'run', findRun(deps, request.runId));
    ctx.runId = runId;
    const page = openPage(ctx, request, /^\d{1,18}$/);
    const rows = await readMissingLeaves(deps.store.db, { runId, after: page.after, limit: page.limit + 1 });
    const values = rows.map(({ id, tableName, columnName, value, rowCount }) => ({
      id: String(id),
      table: tableName,
      column: columnName,
      value,
      rowCount,
    }));
    const { items, nextPageToken } = closePage(page, values, ({ id }) => id, MissingLeafValue);
    return { values: items, nextPageToken };
  };
