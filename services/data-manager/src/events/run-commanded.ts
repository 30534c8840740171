import { Desire } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RunCommanded } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { NotYet, on } from '@lethe/events/consume';
import { lockExecution, updateExecution } from '../store/executions.ts';
import type { Tables } from '../store/tables.ts';

/** Takes a command in. The newest wins; the worker that holds the execution, or the next one, acts on it. */
export const runCommanded = on<Tables, RunCommanded>(RunCommanded, async (tx, commanded) => {
  const { runId, desireRevision, desire, deleteEntries, ticket, uploadOutcome } = commanded;
  const row = await lockExecution(tx, runId);
  // A command may come before a redelivered RunRequested: it waits for its run.
  if (!row) throw new NotYet();
  if (row.desireRevision >= desireRevision) return;
  const confirmed = desire === Desire.UPLOAD ? { refusal: '', errorInfo: null, attempt: 0 } : {};
  await updateExecution(tx, runId, { desire, desireRevision, deleteEntries, ticket, uploadOutcome, nextAttemptTime: null, ...confirmed });
});
