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
  state: number;
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
    .$if(filter.state !== 0, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '<', filter.after))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();

/** Whether events about a run still wait for their consumer's confirmation for longer than `olderThanMs`. */
export const waitsForDelivery = async (db: Db, run: RunRow, olderThanMs: number): Promise<boolean> => {
  const { rows } = await sql`
    select 1 from outgoing_event where consumer = 'data' and confirm_time is null and create_time < now() - make_interval(secs => ${olderThanMs / 1000}) and create_time >= ${run.createTime} limit 1`.execute(
    db,
  );
  return rows.length > 0;
};
