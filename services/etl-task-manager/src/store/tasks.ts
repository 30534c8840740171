import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { TaskRevision, TaskRevision_State as State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { Queryable } from '@lethe/db/open';
import type { Insertable, Updateable } from 'kysely';
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

/** Makes a task. */
export const insertTask = (db: Db, task: Insertable<Tables['tasks']>): Promise<TaskRow> =>
  db.insertInto('tasks').values(task).returningAll().executeTakeFirstOrThrow();

/** Changes which revisions of a task are its head and its released one. */
export const saveTask = (
  db: Db,
  before: TaskRow,
  changes: Pick<Updateable<Tables['tasks']>, 'headRevision' | 'releasedRevision' | 'moduleName'>,
  now: Date,
): Promise<TaskRow> =>
  db
    .updateTable('tasks')
    .set({ ...changes, version: before.version + 1, updateTime: now })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();

const toBytes = (configuration: TaskRevision): Buffer => Buffer.from(TaskRevision.encode(configuration).finish());

/** Makes a revision as a draft. */
export const insertDraft = (db: Db, taskId: string, number: number, configuration: TaskRevision): Promise<RevisionRow> =>
  db
    .insertInto('taskRevisions')
    .values({
      taskId,
      number,
      state: State.DRAFT,
      configuration: toBytes(configuration),
      snapshotHash: '',
      moduleDocumentHash: '',
      moduleDocumentRevision: 0n,
    })
    .returningAll()
    .executeTakeFirstOrThrow();

/** Replaces the configuration of a draft. */
export const updateDraft = (db: Db, taskId: string, number: number, configuration: TaskRevision): Promise<RevisionRow> =>
  db
    .updateTable('taskRevisions')
    .set({ configuration: toBytes(configuration) })
    .where('taskId', '=', taskId)
    .where('number', '=', number)
    .returningAll()
    .executeTakeFirstOrThrow();

/** What a release pins, and who released it when. */
export type Release = Pick<
  RevisionRow,
  'snapshotHash' | 'moduleDocumentHash' | 'moduleDocumentRevision' | 'releasedBy' | 'releasedByName' | 'releaseTime'
> & { plan: EffectivePlan };

/** Freezes a draft. */
export const markReleased = (db: Db, { taskId, number }: RevisionRow, { plan, ...release }: Release): Promise<RevisionRow> =>
  db
    .updateTable('taskRevisions')
    .set({ ...release, state: State.RELEASED, plan: Buffer.from(EffectivePlan.encode(plan).finish()) })
    .where('taskId', '=', taskId)
    .where('number', '=', number)
    .returningAll()
    .executeTakeFirstOrThrow();
