import type { Queryable } from '@lethe/db/open';
import type { ModuleRow, ModuleVersionRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

const PUBLISHED = 2;

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

/** A published version; '' = the newest. */
export const findVersion = (db: Db, moduleId: string, version: string): Promise<ModuleVersionRow | undefined> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', moduleId)
    .where('state', '=', PUBLISHED)
    .$if(version !== '', (rows) => rows.where('version', '=', version))
    .orderBy('place', 'desc')
    .limit(1)
    .executeTakeFirst();

/** A page of versions, oldest first; published ones, or all. */
export const listVersions = (
  db: Db,
  filter: { moduleId: string; all: boolean; after: string; limit: number },
): Promise<ModuleVersionRow[]> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', filter.moduleId)
    .$if(!filter.all, (rows) => rows.where('state', '=', PUBLISHED))
    .$if(filter.after !== '', (rows) => rows.where('place', '>', Number(filter.after)))
    .orderBy('place')
    .limit(filter.limit)
    .execute();

/** The version that an upload reserved, whatever became of it. */
export const findByUpload = (db: Db, uploadId: string): Promise<ModuleVersionRow | undefined> =>
  db.selectFrom('moduleVersions').selectAll().where('uploadId', '=', uploadId).executeTakeFirst();

/** The place after a module's last version. */
export const nextPlace = async (db: Db, moduleId: string): Promise<number> => {
  const { last } = await db
    .selectFrom('moduleVersions')
    .select((row) => row.fn.max('place').as('last'))
    .where('moduleId', '=', moduleId)
    .executeTakeFirstOrThrow();
  return (last ?? 0) + 1;
};
