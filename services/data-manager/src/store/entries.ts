import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Queryable } from '@lethe/db/open';
import { sql, type Insertable, type Updateable } from 'kysely';
import { DELETED_STATES, EDITABLE_STATES, KEPT_STATES } from '../domain/entry.ts';
import type { EntryRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** An entry. */
export const findEntry = (db: Db, id: string): Promise<EntryRow | undefined> =>
  db.selectFrom('entries').selectAll().where('id', '=', id).executeTakeFirst();

/** An entry, locked for a change. */
export const lockEntry = (db: Db, id: string): Promise<EntryRow> =>
  db.selectFrom('entries').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** The entries of a run by table. */
export const entriesOf = (db: Db, runId: string): Promise<EntryRow[]> =>
  db.selectFrom('entries').selectAll().where('runId', '=', runId).orderBy('table').execute();

/** How many entries of a run have their rows. */
export const countKeptEntries = async (db: Db, runId: string): Promise<number> => {
  const { count } = await db
    .selectFrom('entries')
    .select((entries) => entries.fn.countAll<bigint>().as('count'))
    .where('runId', '=', runId)
    .where('state', 'not in', DELETED_STATES)
    .executeTakeFirstOrThrow();
  return Number(count);
};

/** Adds the entries of a run. */
export const insertEntries = async (db: Db, entries: Insertable<Tables['entries']>[]): Promise<void> => {
  if (entries.length > 0) await db.insertInto('entries').values(entries).execute();
};

/** Writes columns of an entry. */
export const updateEntry = (db: Db, id: string, set: Updateable<Tables['entries']>): Promise<EntryRow> =>
  db.updateTable('entries').set(set).where('id', '=', id).returningAll().executeTakeFirstOrThrow();

/** An upload begins to read the entries of a run. */
export const markUploading = async (db: Db, runId: string, now: Date): Promise<void> => {
  await db
    .updateTable('entries')
    .set({ state: Entry_State.UPLOADING, updateTime: now })
    .where('runId', '=', runId)
    .where('state', 'in', EDITABLE_STATES)
    .execute();
};

/** Entries that an upload had are as they were before it, and are kept until a time. */
export const restoreUploading = async (db: Db, runId: string, { now, expireTime }: { now: Date; expireTime: Date }): Promise<void> => {
  const state = sql<Entry_State>`case when edited_row_count = 0 then ${Entry_State.READY}::int else ${Entry_State.STALE}::int end`;
  await db
    .updateTable('entries')
    .set({ state, updateTime: now, expireTime })
    .where('runId', '=', runId)
    .where('state', '=', Entry_State.UPLOADING)
    .execute();
};

/** The entries of a run that are not uploaded are deleted. */
export const markDeleted = async (db: Db, runId: string, now: Date): Promise<void> => {
  await db
    .updateTable('entries')
    .set({ state: Entry_State.DELETED, updateTime: now })
    .where('runId', '=', runId)
    .where('state', 'in', [...EDITABLE_STATES, Entry_State.UPLOADING])
    .execute();
};

/** The entries of a run that wait for a decision have expired. */
export const markExpired = async (db: Db, runId: string, now: Date): Promise<void> => {
  await db
    .updateTable('entries')
    .set({ state: Entry_State.EXPIRED, updateTime: now })
    .where('runId', '=', runId)
    .where('state', 'in', EDITABLE_STATES)
    .execute();
};

/** The runs that have ended and of which entries are kept whose time has passed. */
export const runsWithOldEntries = async (db: Db, before: Date): Promise<string[]> => {
  const rows = await db
    .selectFrom('entries')
    .innerJoin('executions', 'executions.runId', 'entries.runId')
    .select('entries.runId')
    .distinct()
    .where('entries.expireTime', '<', before)
    .where('entries.state', 'in', [...EDITABLE_STATES, Entry_State.UPLOADED])
    .where('executions.state', 'in', [RunState.STOPPED, RunState.UPLOADED])
    .execute();
  return rows.map(({ runId }) => runId);
};

/** The entries of a run whose time has passed have expired. */
export const markOldExpired = async (db: Db, runId: string, { before, now }: { before: Date; now: Date }): Promise<void> => {
  await db
    .updateTable('entries')
    .set({ state: Entry_State.EXPIRED, updateTime: now })
    .where('runId', '=', runId)
    .where('state', 'in', KEPT_STATES)
    .where('expireTime', '<', before)
    .execute();
};

/** The overlay of an entry by row id. */
export const editsOf = (db: Db, entryId: string): Promise<{ rowId: bigint; cells: (string | null)[] | null }[]> =>
  db.selectFrom('edits').select(['rowId', 'cells']).where('entryId', '=', entryId).orderBy('rowId').execute();

/** Lays edits over an entry; later ones of a row replace earlier ones. */
export const saveEdits = async (
  db: Db,
  entryId: string,
  edits: readonly { rowId: bigint; cells: readonly (string | null)[] | null }[],
): Promise<void> => {
  const rows = edits.map(({ rowId, cells }) => ({ entryId, rowId, cells: cells === null ? null : JSON.stringify(cells) }));
  await db
    .insertInto('edits')
    .values(rows)
    .onConflict((conflict) => conflict.columns(['entryId', 'rowId']).doUpdateSet((row) => ({ cells: row.ref('excluded.cells') })))
    .execute();
};

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all groups. */
export type EntryFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  runId: string;
  moduleId: string;
  state: Entry_State;
  after: string;
  limit: number;
};

/** A page of entries by id. */
export const listEntries = (db: Db, filter: EntryFilter): Promise<EntryRow[]> =>
  db
    .selectFrom('entries')
    .selectAll()
    .$if(filter.groupIds !== undefined, (rows) => rows.where((row) => row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? [])))))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.runId !== '', (rows) => rows.where('runId', '=', filter.runId))
    .$if(filter.moduleId !== '', (rows) => rows.where('moduleId', '=', filter.moduleId))
    .$if(filter.state !== Entry_State.UNSPECIFIED, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();
