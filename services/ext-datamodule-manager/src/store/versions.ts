import { DataModuleVersion_State as State, type TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { Queryable } from '@lethe/db/open';
import type { ModuleVersionRow, StoredTableVersion, Tables } from './tables.ts';

type Db = Queryable<Tables>;

const toStored = (tables: readonly TableVersion[]): StoredTableVersion[] =>
  tables.map((table) => ({ ...table, rowCount: String(table.rowCount) }));

/** The tables of a version. */
export const tablesOf = (row: ModuleVersionRow): TableVersion[] =>
  row.tables.map((table) => ({ ...table, rowCount: BigInt(table.rowCount) }));

/** A published version; '' = the newest. */
export const findVersion = (db: Db, moduleId: string, version: string): Promise<ModuleVersionRow | undefined> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', moduleId)
    .where('state', '=', State.PUBLISHED)
    .$if(version !== '', (rows) => rows.where('version', '=', version))
    .orderBy('place', 'desc')
    .limit(1)
    .executeTakeFirst();

/** A page of versions, oldest first; published ones, or all. */
export const listVersions = (
  db: Db,
  filter: { moduleId: string; withUnpublished: boolean; after: string; limit: number },
): Promise<ModuleVersionRow[]> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', filter.moduleId)
    .$if(!filter.withUnpublished, (rows) => rows.where('state', '=', State.PUBLISHED))
    .$if(filter.after !== '', (rows) => rows.where('place', '>', Number(filter.after)))
    .orderBy('place')
    .limit(filter.limit)
    .execute();

/** The version that an upload reserved, in whatever state it is now. */
export const findByUpload = (db: Db, uploadId: string): Promise<ModuleVersionRow | undefined> =>
  db.selectFrom('moduleVersions').selectAll().where('uploadId', '=', uploadId).executeTakeFirst();

const nextPlace = async (db: Db, moduleId: string): Promise<number> => {
  const { last } = await db
    .selectFrom('moduleVersions')
    .select((row) => row.fn.max('place').as('last'))
    .where('moduleId', '=', moduleId)
    .executeTakeFirstOrThrow();
  return (last ?? 0) + 1;
};

/** The reserved version of a module; there is at most one. */
export const findReservation = (db: Db, moduleId: string): Promise<ModuleVersionRow | undefined> =>
  db.selectFrom('moduleVersions').selectAll().where('moduleId', '=', moduleId).where('state', '=', State.RESERVED).executeTakeFirst();

/** A version's number, reserved for an upload. */
export type Reservation = Pick<ModuleVersionRow, 'moduleId' | 'version' | 'baseVersion' | 'runId' | 'uploadId'> & {
  tables: readonly TableVersion[];
};

/** Reserves a version, after the last one of its module. */
export const insertReservation = async (db: Db, { tables, ...reservation }: Reservation): Promise<ModuleVersionRow> =>
  db
    .insertInto('moduleVersions')
    .values({
      ...reservation,
      place: await nextPlace(db, reservation.moduleId),
      state: State.RESERVED,
      document: null,
      documentHash: '',
      tables: JSON.stringify(toStored(tables)),
    })
    .returningAll()
    .executeTakeFirstOrThrow();

/** Publishes a reserved version. */
export const markPublished = (
  db: Db,
  { moduleId, place }: ModuleVersionRow,
  published: { document: Record<string, unknown>; documentHash: string; tables: readonly TableVersion[] },
  now: Date,
): Promise<ModuleVersionRow> =>
  db
    .updateTable('moduleVersions')
    .set({
      state: State.PUBLISHED,
      document: JSON.stringify(published.document),
      documentHash: published.documentHash,
      tables: JSON.stringify(toStored(published.tables)),
      publishTime: now,
    })
    .where('moduleId', '=', moduleId)
    .where('place', '=', place)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Abandons a reserved version. Its upload's id becomes free: the same upload may reserve again. */
export const markAbandoned = (db: Db, { moduleId, place, uploadId }: ModuleVersionRow): Promise<ModuleVersionRow> =>
  db
    .updateTable('moduleVersions')
    .set({ state: State.ABANDONED, uploadId: `${uploadId}#${place}` })
    .where('moduleId', '=', moduleId)
    .where('place', '=', place)
    .returningAll()
    .executeTakeFirstOrThrow();
