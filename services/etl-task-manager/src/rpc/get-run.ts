import type { GetRunRequest, GetRunResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { observeRun } from '../app/observe-run.ts';
import { findRun } from '../store/runs.ts';

/** A run. */
export const getRun =
  (deps: Deps) =>
  async (request: GetRunRequest, ctx: CallContext): Promise<GetRunResponse> => {
    const row = await loadVisible(ctx, 'run', findRun(deps.store.db, request.runId));
    ctx.runId = row.id;
    return { run: await observeRun(deps, ctx, row, { snapshot: true }) };
  };
