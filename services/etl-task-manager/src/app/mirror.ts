// The mirror of DataManager's executions in the rows of runs.
import type { Execution } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { isTerminal } from '@lethe/contracts/run-state';
import { emit } from '@lethe/db/event';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import { isLive, isSettled } from '../domain/run.ts';
import { lockRun, setExecution } from '../store/runs.ts';
import type { Tx } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { stateNotices } from './run-notice.ts';

const DEADLINE_MS = 3_000;

/** Stores an execution where it is newer than the stored one, and requests the notifications of its state. */
export const takeExecution = async (tx: Tx, execution: Execution, now: Date): Promise<void> => {
  const run = await lockRun(tx, execution.runId);
  if (!run || execution.revision <= run.executionRevision) return;
  const reconciling = run.desireRevision > execution.desireRevision;
  await setExecution(tx, run.id, execution, {
    live: isLive(execution.state, run.desire, reconciling),
    updateTime: now,
    endTime: isTerminal(execution.state) ? (execution.endTime ?? run.endTime ?? now) : null,
    ...(reconciling && !isSettled(execution.state, run.desire) ? {} : { resendTime: null }),
  });
  await emit(tx, { events: stateNotices(run, execution), traceparent: '' });
};

/** The execution of a run as DataManager has it; undefined where it does not know the run, or, with `optional`, cannot be reached. */
export const fetchExecution = async (
  deps: Deps,
  ctx: CallContext,
  runId: string,
  { optional }: { optional: boolean },
): Promise<Execution | undefined> => {
  try {
    return (await deps.data.getExecution({ runId }, { parent: ctx, deadlineMs: DEADLINE_MS })).execution;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    if (optional) return undefined;
    throw passOn(error, 'data');
  }
};

/** Brings the mirror of a run up to date before a command checks its state. */
export const refreshRun = async (deps: Deps, ctx: CallContext, runId: string): Promise<void> => {
  const execution = await fetchExecution(deps, ctx, runId, { optional: false });
  if (execution) await deps.store.transaction((tx) => takeExecution(tx, execution, deps.now()));
};
