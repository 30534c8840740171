import type { Queryable } from '@lethe/db/open';
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

/** The overlay of an entry by row id. */
export const editsOf = (db: Db, entryId: string): Promise<{ rowId: bigint; cells: (string | null)[] | null }[]> =>
  db.selectFrom('edits').select(['rowId', 'cells']).where('entryId', '=', entryId).orderBy('rowId').execute();

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all groups. */
export type EntryFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  runId: string;
  moduleId: string;
  state: number;
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
    .$if(filter.state !== 0, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();
