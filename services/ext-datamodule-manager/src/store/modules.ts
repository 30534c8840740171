import type { Queryable } from '@lethe/db/open';
import type { Insertable } from 'kysely';
import type { ModuleRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A module that is not deleted. */
export const findModule = (db: Db, id: string): Promise<ModuleRow | undefined> =>
  db.selectFrom('dataModules').selectAll().where('id', '=', id).where('deleteTime', 'is', null).executeTakeFirst();

/** A module, locked for a change of it or of its versions. */
export const lockModule = (db: Db, id: string): Promise<ModuleRow | undefined> =>
  db.selectFrom('dataModules').selectAll().where('id', '=', id).where('deleteTime', 'is', null).forUpdate().executeTakeFirst();

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all. */
export type ModuleFilter = {
  groupIds: string[] | undefined;
  groupId: string;
  namespace: string;
  displayName: string;
  after: string;
  limit: number;
};

/** A page of modules by id. */
export const listModules = (db: Db, filter: ModuleFilter): Promise<ModuleRow[]> =>
  db
    .selectFrom('dataModules')
    .selectAll()
    .where('deleteTime', 'is', null)
    .$if(filter.groupIds !== undefined, (rows) => rows.where((row) => row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? [])))))
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.namespace !== '', (rows) => rows.where('namespace', '=', filter.namespace))
    .$if(filter.displayName !== '', (rows) => rows.where('displayName', '=', filter.displayName))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** A source document and its hash. */
export type ModuleDocument = { document: Record<string, unknown>; documentHash: string };

/** Makes a module with the first revision of its document. */
export const insertModule = (
  db: Db,
  { document, ...module }: Pick<Insertable<Tables['dataModules']>, 'id' | 'groupId' | 'displayName' | 'namespace'> & ModuleDocument,
): Promise<ModuleRow> =>
  db
    .insertInto('dataModules')
    .values({ ...module, document: JSON.stringify(document), documentRevision: 1n, headVersion: '' })
    .returningAll()
    .executeTakeFirstOrThrow();

/** Changes a module; a document that is given becomes the next revision of it. */
export const saveModule = (
  db: Db,
  before: ModuleRow,
  { document, ...names }: { displayName?: string; namespace?: string; document?: ModuleDocument },
  now: Date,
): Promise<ModuleRow> =>
  db
    .updateTable('dataModules')
    .set({
      ...names,
      ...(document && {
        document: JSON.stringify(document.document),
        documentHash: document.documentHash,
        documentRevision: before.documentRevision + 1n,
      }),
      version: before.version + 1,
      updateTime: now,
    })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Sets the newest published version of a module. */
export const setHeadVersion = async (db: Db, id: string, headVersion: string, now: Date): Promise<void> => {
  await db.updateTable('dataModules').set({ headVersion, updateTime: now }).where('id', '=', id).execute();
};
