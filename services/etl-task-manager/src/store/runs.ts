import { Desire, Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RunCommanded } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { statesOf } from '@lethe/contracts/run-state';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Queryable } from '@lethe/db/open';
import { sql } from 'kysely';
import type { RunRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A run. */
export const findRun = (db: Db, id: string): Promise<RunRow | undefined> =>
  db.selectFrom('runs').selectAll().where('id', '=', id).executeTakeFirst();

/** A run, locked for a change. */
export const lockRun = (db: Db, id: string): Promise<RunRow | undefined> =>
  db.selectFrom('runs').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

/** The live run of a task. */
export const findLiveRun = (db: Db, taskId: string): Promise<RunRow | undefined> =>
  db.selectFrom('runs').selectAll().where('taskId', '=', taskId).where('live', '=', true).executeTakeFirst();

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all. */
export type RunFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  taskId: string;
  moduleId: string;
  state: RunState;
  after: string;
  limit: number;
};

/** A page of runs, newest first. */
export const listRuns = (db: Db, filter: RunFilter): Promise<RunRow[]> =>
  db
    .selectFrom('runs')
    .selectAll()
    .$if(filter.groupIds !== undefined, (rows) => rows.where((row) => row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? [])))))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.taskId !== '', (rows) => rows.where('taskId', '=', filter.taskId))
    .$if(filter.moduleId !== '', (rows) => rows.where('moduleId', '=', filter.moduleId))
    .$if(filter.state !== RunState.UNSPECIFIED, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '<', filter.after))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** Runs that may have prepared rows, of whose coming deletion nobody was notified yet. */
export const listUnnoticed = (db: Db): Promise<RunRow[]> =>
  db.selectFrom('runs').selectAll().where('state', 'in', statesOf('prepared', 'stopped')).where('expiryNoticed', '=', false).execute();

/** Whether an event to DataManager since the run was made has waited for its confirmation for longer than `olderThanMs`. */
export const waitsForDelivery = async (db: Db, run: RunRow, olderThanMs: number): Promise<boolean> => {
  const { rows } = await sql`
    select 1 from outgoing_event where consumer = 'data' and confirm_time is null and create_time < now() - make_interval(secs => ${olderThanMs / 1000}) and create_time >= ${run.createTime} limit 1`.execute(
    db,
  );
  return rows.length > 0;
};

/** A run to be made, with its plan and parameters. */
export type NewRun = Pick<
  RunRow,
  | 'id'
  | 'taskId'
  | 'taskName'
  | 'groupId'
  | 'moduleId'
  | 'moduleName'
  | 'taskRevision'
  | 'snapshotHash'
  | 'baseVersion'
  | 'startedBy'
  | 'startedByName'
  | 'releasedBy'
> & { plan: EffectivePlan; parameters: Record<string, string> };

/** Makes a run in state CREATED that is desired to run. */
export const insertRun = (db: Db, { plan, parameters, ...run }: NewRun): Promise<RunRow> =>
  db
    .insertInto('runs')
    .values({
      ...run,
      state: RunState.CREATED,
      desire: Desire.RUN,
      desireRevision: 1n,
      live: true,
      executionRevision: 0n,
      plan: Buffer.from(EffectivePlan.encode(plan).finish()),
      parameters: Buffer.from(JSON.stringify(parameters)),
    })
    .returningAll()
    .executeTakeFirstOrThrow();

const inMs = (ms: number) => sql<Date>`now() + make_interval(secs => ${ms / 1000})`;

/** Runs of which what is desired is due to be sent again; by the clock of the database. */
export const listDueResends = async (db: Db, limit: number): Promise<string[]> =>
  (
    await db
      .selectFrom('runs')
      .select('id')
      .where('resendTime', '<', sql<Date>`now()`)
      .orderBy('resendTime')
      .limit(limit)
      .execute()
  ).map(({ id }) => id);

/** Keeps a command as the run's last one, to be sent again after a while. */
export const keepCommand = async (db: Db, id: string, command: RunCommanded | undefined, resendAfterMs: number): Promise<void> => {
  const bytes = command ? Buffer.from(RunCommanded.encode({ ...command, ticket: '' }).finish()) : null;
  await db
    .updateTable('runs')
    .set({ command: bytes, resendTime: inMs(resendAfterMs), resendCount: 0 })
    .where('id', '=', id)
    .execute();
};

/** Sets when what is desired is sent another time. */
export const postponeResend = async (db: Db, { id, resendCount }: RunRow, afterMs: number): Promise<void> => {
  await db
    .updateTable('runs')
    .set({ resendTime: inMs(afterMs), resendCount: resendCount + 1 })
    .where('id', '=', id)
    .execute();
};

/** What is desired of a run is not sent again: its state has taken it in. */
export const endResend = async (db: Db, id: string): Promise<void> => {
  await db.updateTable('runs').set({ resendTime: null }).where('id', '=', id).execute();
};

/** Sets what is desired of a run, as the next revision of its desire. `live`: whether it now prevents another run of its task. */
export const setDesire = (
  db: Db,
  before: RunRow,
  { desire, live, stopReason }: Pick<RunRow, 'desire' | 'live' | 'stopReason'>,
  now: Date,
): Promise<RunRow> =>
  db
    .updateTable('runs')
    .set({ desire, desireRevision: before.desireRevision + 1n, live, stopReason, updateTime: now })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Stores what DataManager last reported of a run. */
export const setExecution = async (
  db: Db,
  id: string,
  execution: Execution,
  changes: Pick<RunRow, 'live' | 'updateTime' | 'endTime'> & Partial<Pick<RunRow, 'resendTime'>>,
): Promise<void> => {
  await db
    .updateTable('runs')
    .set({
      ...changes,
      state: execution.state,
      execution: Buffer.from(Execution.encode(execution).finish()),
      executionRevision: execution.revision,
    })
    .where('id', '=', id)
    .execute();
};

/** Marks that people were notified of the coming deletion of a run's prepared data. */
export const markExpiryNoticed = async (db: Db, id: string): Promise<void> => {
  await db.updateTable('runs').set({ expiryNoticed: true }).where('id', '=', id).execute();
};
