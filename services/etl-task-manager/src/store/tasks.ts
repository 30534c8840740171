import type { Queryable } from '@lethe/db/open';
import type { RevisionRow, Tables, TaskRow } from './tables.ts';

type Db = Queryable<Tables>;

/** A task that is not deleted. */
export const findTask = (db: Db, id: string): Promise<TaskRow | undefined> =>
  db.selectFrom('tasks').selectAll().where('id', '=', id).where('deleteTime', 'is', null).executeTakeFirst();

/** A task, locked for a change. */
export const lockTask = (db: Db, id: string): Promise<TaskRow> =>
  db.selectFrom('tasks').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** A revision of a task. */
export const findRevision = (db: Db, taskId: string, number: number): Promise<RevisionRow | undefined> =>
  db.selectFrom('taskRevisions').selectAll().where('taskId', '=', taskId).where('number', '=', number).executeTakeFirst();

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all. */
export type TaskFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  namespace: string;
  displayName: string;
  moduleId: string;
  after: string;
  limit: number;
};

/** A page of tasks by id. */
export const listTasks = (db: Db, filter: TaskFilter): Promise<TaskRow[]> =>
  db
    .selectFrom('tasks')
    .selectAll()
    .where('deleteTime', 'is', null)
    .$if(filter.groupIds !== undefined, (rows) => rows.where((row) => row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? [])))))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.namespace !== '', (rows) => rows.where('namespace', '=', filter.namespace))
    .$if(filter.displayName !== '', (rows) => rows.where('displayName', '=', filter.displayName))
    .$if(filter.moduleId !== '', (rows) => rows.where('moduleId', '=', filter.moduleId))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();
