// Runs through the public API, waited for by watching them.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal, stateName } from '@lethe/contracts/run-state';
import type { Clients } from './suite.ts';

/** Starts a run; returns its id. */
export const startRun = async ({ task }: Clients, taskId: string): Promise<string> =>
  (await task.start({ target: { $case: 'taskId', value: taskId } })).run?.id ?? '';

/** Confirms the upload of a prepared run. */
export const confirmUpload = async ({ task }: Clients, runId: string): Promise<void> => {
  await task.start({ target: { $case: 'runId', value: runId } });
};

/** Watches a run until it is in a state and stays there by itself. */
export const waitFor = async ({ task }: Clients, runId: string, state: RunState): Promise<Run> => {
  for await (const { run } of task.watchRun({ runId })) {
    if (run?.state === state && !run.reconciling) return run;
    if (run && isTerminal(run.state) && !run.reconciling) throw new Error(`the run ended ${stateName(run.state)}: ${run.error}`);
    if (run && run.refusal !== '' && !run.reconciling) throw new Error(`the upload was refused: ${run.refusal}`);
  }
  throw new Error('the watch of the run ended early');
};

/** A run that waits for review. */
export const preparedRun = async (manager: Clients, taskId: string): Promise<string> => {
  const runId = await startRun(manager, taskId);
  await waitFor(manager, runId, RunState.PREPARED);
  return runId;
};

/** A run whose result is published. */
export const uploadedRun = async (manager: Clients, taskId: string): Promise<string> => {
  const runId = await preparedRun(manager, taskId);
  await confirmUpload(manager, runId);
  await waitFor(manager, runId, RunState.UPLOADED);
  return runId;
};
