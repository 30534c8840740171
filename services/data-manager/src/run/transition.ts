// Every change of an execution's state: fenced by the epoch, audited, and sent to EtlTaskManager, in one transaction.
import { RunErrorInfo } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { failpoint } from '@lethe/db/failpoint';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Transaction } from 'kysely';
import type { RunDeps } from '../deps.ts';
import { keepsWorkerDeaths } from '../domain/execution.ts';
import { runErrorInfo, type RunError } from '../domain/run-error.ts';
import { countKeptEntries } from '../store/entries.ts';
import { lockExecution, updateExecution, type ExecutionUpdate } from '../store/executions.ts';
import type { ExecutionRow, Tables } from '../store/tables.ts';
import { auditExecution, executionChanged } from './view.ts';

/** The lease was lost: another worker has the execution, and nothing of this one's may be written. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of the execution was lost');
    this.name = 'LeaseLost';
  }
}

/** What goes with a change: the failure that led to it, and what else is written in its transaction. */
export type ChangeOptions = {
  failure?: RunError;
  write?: (tx: Transaction<Tables>, before: ExecutionRow) => Promise<void>;
};

/** A change of an execution. `epoch` undefined = not by a worker (a command, retention). */
export type Transition = ChangeOptions & {
  runId: string;
  epoch: bigint | undefined;
  /** For the audit record: `stage/EXTRACTING`, `pause`, `upload`, … */
  action: string;
  set: ExecutionUpdate;
};

/** A failure is told as long as the row has a sentence of one. */
const errorInfoOf = (before: ExecutionRow, { set, failure }: Transition): Pick<ExecutionRow, 'errorInfo'> => {
  if (failure) return { errorInfo: Buffer.from(RunErrorInfo.encode(runErrorInfo(failure, before.state)).finish()) };
  const { error, refusal, waitingFor } = { ...before, ...set };
  return { errorInfo: `${error}${refusal}${waitingFor}` === '' ? null : before.errorInfo };
};

/** Applies a change; throws LeaseLost when the epoch is not the execution's any more. */
export const transition = async ({ store, now }: Pick<RunDeps, 'store' | 'now'>, change: Transition): Promise<ExecutionRow> => {
  await failpoint('step.commit.before');
  const action = {
    service: 'data',
    action: change.action,
    ...(change.failure === undefined ? {} : { outcome: Outcome.FAILED, reason: change.failure.reason }),
  };
  const row = await mutateAsSystem(store, action, async (tx) => {
    const before = await lockExecution(tx, change.runId);
    if (!before || (change.epoch !== undefined && before.epoch !== change.epoch)) throw new LeaseLost();
    await change.write?.(tx, before);
    const after = await updateExecution(tx, change.runId, {
      ...change.set,
      ...(keepsWorkerDeaths(before.state, change.set.state ?? before.state) ? {} : { workerDeathCount: 0 }),
      ...errorInfoOf(before, change),
      revision: before.revision + 1n,
      updateTime: now(),
    });
    return {
      response: after,
      resource: `runs/${after.runId}`,
      groupId: after.groupId,
      runId: after.runId,
      onBehalfOf: after.startedBy,
      before: auditExecution(before),
      after: auditExecution(after),
      revision: Number(after.revision),
      events: [executionChanged(after, await countKeptEntries(tx, change.runId), now())],
    };
  });
  await failpoint('step.commit.after');
  return row;
};
