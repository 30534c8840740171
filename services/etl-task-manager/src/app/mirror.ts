// The mirror of DataManager's executions: what it said last, and whom that concerns.
import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Execution, RunState, type Desire } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty } from '@lethe/contracts/gen/lethe/user/v1/user';
import { emit, event, type OutgoingEvent } from '@lethe/db/event';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import type { Transaction } from 'kysely';
import { isLive, isTerminal } from '../domain/run.ts';
import { lockRun } from '../store/runs.ts';
import type { RunRow, Tables } from '../store/tables.ts';
import type { Deps } from './deps.ts';

/** What people hear of a run: the kind of the notification, its sentence, and which duties' holders hear it beside the starter. */
export type RunNotice = Pick<NotificationRequested, 'notice' | 'text' | 'holdersOf'>;

const NOTICES: Partial<Record<RunState, RunNotice>> = {
  [RunState.PREPARED]: {
    notice: Notification_Kind.RUN_PREPARED,
    text: 'A run is prepared and waits for review',
    holdersOf: [Duty.DATA_MANAGER],
  },
  [RunState.UPLOADED]: { notice: Notification_Kind.RUN_FINISHED, text: 'A run uploaded its result', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.FAILED]: { notice: Notification_Kind.RUN_FAILED, text: 'A run failed', holdersOf: [Duty.TASK_MANAGER] },
  [RunState.STOPPED]: { notice: Notification_Kind.RUN_FAILED, text: 'A run was stopped', holdersOf: [Duty.TASK_MANAGER] },
};

/** The event that tells people about a run. */
export const tellAbout = (run: RunRow, notice: RunNotice): OutgoingEvent =>
  event('user', NotificationRequested, {
    ...notice,
    kind: '',
    duties: [],
    resource: `runs/${run.id}`,
    groupId: run.groupId,
    userIds: [run.startedBy],
  });

const noticesOf = (run: RunRow, state: RunState): OutgoingEvent[] => {
  const notice = state === (run.state as RunState) ? undefined : NOTICES[state];
  return notice ? [tellAbout(run, notice)] : [];
};

/** Takes an execution in where it is newer than what is known. */
export const takeExecution = async (tx: Transaction<Tables>, execution: Execution, now: Date): Promise<void> => {
  const run = await lockRun(tx, execution.runId);
  if (!run || execution.revision <= run.executionRevision) return;
  const behind = run.desireRevision > execution.desireRevision;
  await tx
    .updateTable('runs')
    .set({
      state: execution.state,
      execution: Buffer.from(Execution.encode(execution).finish()),
      executionRevision: execution.revision,
      live: isLive(execution.state, run.desire as Desire, behind),
      updateTime: now,
      endTime: isTerminal(execution.state) ? (run.endTime ?? now) : null,
    })
    .where('id', '=', run.id)
    .execute();
  await emit(tx, { events: noticesOf(run, execution.state), traceparent: '' });
};

/** Asks DataManager how a run stands; undefined where it has not heard of it, or is away and `optional`. */
export const askExecution = async (deps: Deps, ctx: CallContext, runId: string, optional: boolean): Promise<Execution | undefined> => {
  try {
    return (await deps.data.getExecution({ runId }, { parent: ctx, deadlineMs: 3_000 })).execution;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    if (optional) return undefined;
    throw passOn(error, 'data');
  }
};

/** Brings the mirror of a run up to date before a command looks at it. */
export const refresh = async (deps: Deps, ctx: CallContext, runId: string): Promise<void> => {
  const execution = await askExecution(deps, ctx, runId, false);
  if (execution) await deps.store.db.transaction().execute((tx) => takeExecution(tx, execution, deps.now()));
};
