import type { GetExecutionRequest, GetExecutionResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { RunDeps } from '../deps.ts';
import { executionView } from '../run/view.ts';
import { countKeptEntries } from '../store/entries.ts';
import { findExecution } from '../store/executions.ts';

/** What is known of a run's execution. */
export const getExecution =
  (deps: RunDeps) =>
  async (request: GetExecutionRequest, ctx: CallContext): Promise<GetExecutionResponse> => {
    const row = await findExecution(deps.store.db, request.runId);
    if (!row) throw notFound('execution');
    ctx.groupId = row.groupId;
    return { execution: executionView(row, await countKeptEntries(deps.store.db, row.runId)) };
  };
