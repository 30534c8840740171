import type { GetExecutionRequest, GetExecutionResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { RunDeps } from '../deps.ts';
import { executionView } from '../run/view.ts';
import { entriesOf } from '../store/entries.ts';
import { findExecution } from '../store/executions.ts';

/** What is known of a run's execution. */
export const getExecution =
  (deps: RunDeps) =>
  async (request: GetExecutionRequest, ctx: CallContext): Promise<GetExecutionResponse> => {
    const row = await findExecution(deps.store.db, request.runId);
    if (!row) throw notFound('execution');
    ctx.groupId = row.groupId;
    const entries = (await entriesOf(deps.store.db, row.runId)).filter(({ state }) => state < 5);
    return { execution: executionView(row, entries.length) };
  };
