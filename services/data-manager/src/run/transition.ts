// Every change of an execution's state: fenced by the epoch, audited, and told to EtlTaskManager, in one transaction.
import type { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { failpoint } from '@lethe/db/failpoint';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import type { Transaction, Updateable } from 'kysely';
import { lockExecution } from '../store/executions.ts';
import type { ExecutionRow, Tables } from '../store/tables.ts';
import { auditExecution, executionChanged } from './view.ts';

/** The lease was lost: another worker has the execution, and nothing of this one's may be written. */
export class LeaseLost extends Error {
  constructor() {
    super('the lease of the execution was lost');
    this.name = 'LeaseLost';
  }
}

/** A change of an execution. `epoch` undefined = not by a worker (a command, retention). */
export type Transition = {
  runId: string;
  epoch: bigint | undefined;
  /** For the audit record: `stage/EXTRACTING`, `pause`, `upload`, … */
  action: string;
  outcome?: Outcome;
  reason?: string;
  set: Updateable<Tables['executions']>;
  /** More to write in the same transaction. */
  also?: (tx: Transaction<Tables>, before: ExecutionRow) => Promise<void>;
};

/** Applies a change; throws LeaseLost when the epoch is not the execution's any more. */
export const transition = async (store: Store<Tables>, now: () => Date, change: Transition): Promise<ExecutionRow> => {
  await failpoint('step.commit.before');
  const action = {
    service: 'data',
    action: change.action,
    ...(change.outcome === undefined ? {} : { outcome: change.outcome }),
    ...(change.reason === undefined ? {} : { reason: change.reason }),
  };
  const row = await mutateAsSystem(store, action, async (tx) => {
    const before = await lockExecution(tx, change.runId);
    if (!before || (change.epoch !== undefined && before.epoch !== change.epoch)) throw new LeaseLost();
    await change.also?.(tx, before);
    const after = await tx
      .updateTable('executions')
      .set({ ...change.set, revision: before.revision + 1n, updateTime: now() })
      .where('runId', '=', change.runId)
      .returningAll()
      .executeTakeFirstOrThrow();
    const { count } = await tx
      .selectFrom('entries')
      .select((entries) => entries.fn.countAll<bigint>().as('count'))
      .where('runId', '=', change.runId)
      .where('state', 'not in', [5, 6])
      .executeTakeFirstOrThrow();
    return {
      response: after,
      resource: `runs/${after.runId}`,
      groupId: after.groupId,
      runId: after.runId,
      onBehalfOf: after.startedBy,
      before: auditExecution(before),
      after: auditExecution(after),
      revision: Number(after.revision),
      events: [executionChanged(after, Number(count), now())],
    };
  });
  await failpoint('step.commit.after');
  return row;
};
