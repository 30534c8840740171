// The mirror of DataManager's executions: what it said last, and whom that concerns.
import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Execution, RunState, type Desire } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { OutgoingEvent } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import type { Transaction } from 'kysely';
import { randomUUIDv7 } from 'node:crypto';
import { isLive, isTerminal } from '../domain/run.ts';
import { lockRun } from '../store/runs.ts';
import type { RunRow, Tables } from '../store/tables.ts';
import type { Deps } from './deps.ts';

const NEWS: Partial<Record<RunState, { kind: string; text: string; duties: string[] }>> = {
  [RunState.PREPARED]: { kind: 'RUN_PREPARED', text: 'A run is prepared and waits for review', duties: ['DATA_MANAGER'] },
  [RunState.UPLOADED]: { kind: 'RUN_FINISHED', text: 'A run uploaded its result', duties: ['TASK_MANAGER'] },
  [RunState.FAILED]: { kind: 'RUN_FAILED', text: 'A run failed', duties: ['TASK_MANAGER'] },
  [RunState.STOPPED]: { kind: 'RUN_FAILED', text: 'A run was stopped', duties: ['TASK_MANAGER'] },
};

/** The event that tells people about a run. */
export const tellAbout = (run: RunRow, kind: string, text: string, duties: string[]): OutgoingEvent => ({
  consumer: 'user',
  type: 'lethe.event.v1.NotificationRequested',
  payload: NotificationRequested.encode({
    kind,
    resource: `runs/${run.id}`,
    groupId: run.groupId,
    text,
    userIds: [run.startedBy],
    duties,
  }).finish(),
});

const newsOf = (run: RunRow, state: RunState): OutgoingEvent[] => {
  const news = state === (run.state as RunState) ? undefined : NEWS[state];
  return news ? [tellAbout(run, news.kind, news.text, news.duties)] : [];
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
  const events = newsOf(run, execution.state);
  if (events.length === 0) return;
  await tx
    .insertInto('outbox')
    .values(
      events.map(({ consumer, type, payload }) => ({
        eventId: randomUUIDv7(),
        consumer,
        type,
        payload: Buffer.from(payload),
        traceparent: '',
      })),
    )
    .execute();
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
