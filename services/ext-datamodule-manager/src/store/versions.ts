import { DataModuleVersion_State as State, type TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { Queryable } from '@lethe/db/open';
import type { ModuleVersionRow, StoredTableVersion, Tables } from './tables.ts';

type Db = Queryable<Tables>;

const toStored = (tables: readonly TableVersion[]): StoredTableVersion[] =>
  tables.map((table) => ({ ...table, rowCount: String(table.rowCount) }));

/** The tables of a version. */
export const tablesOf = (row: ModuleVersionRow): TableVersion[] =>
  row.tables.map((table) => ({ ...table, rowCount: BigInt(table.rowCount) }));

/** A version that was published, SUPERSEDED or not; '' = the newest, which never is. */
export const findVersion = (db: Db, moduleId: string, version: string): Promise<ModuleVersionRow | undefined> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', moduleId)
    .where('state', 'in', version === '' ? [State.PUBLISHED] : [State.PUBLISHED, State.SUPERSEDED])
    .$if(version !== '', (rows) => rows.where('version', '=', version))
    .orderBy('place', 'desc')
    .limit(1)
    .executeTakeFirst();

/** A page of versions, oldest first; those that were published, or all. */
export const listVersions = (
  db: Db,
  filter: { moduleId: string; withUnpublished: boolean; after: string; limit: number },
): Promise<ModuleVersionRow[]> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('moduleId', '=', filter.moduleId)
    .$if(!filter.withUnpublished, (rows) => rows.where('state', 'in', [State.PUBLISHED, State.SUPERSEDED]))
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

/** The published versions of a module with their documents, without the one at a place. */
export const otherPublished = (db: Db, moduleId: string, place: number): Promise<Pick<ModuleVersionRow, 'place' | 'document'>[]> =>
  db
    .selectFrom('moduleVersions')
    .select(['place', 'document'])
    .where('moduleId', '=', moduleId)
    .where('state', '=', State.PUBLISHED)
    .where('place', '<>', place)
    .execute();

/** Marks versions whose rows a later one has replaced. */
export const markSuperseded = async (db: Db, moduleId: string, places: readonly number[]): Promise<void> => {
  if (places.length === 0) return;
  await db
    .updateTable('moduleVersions')
    .set({ state: State.SUPERSEDED })
    .where('moduleId', '=', moduleId)
    .where('place', 'in', [...places])
    .execute();
};

/** Reserved versions that are older than a time, oldest first. */
export const oldReservations = (db: Db, before: Date): Promise<ModuleVersionRow[]> =>
  db
    .selectFrom('moduleVersions')
    .selectAll()
    .where('state', '=', State.RESERVED)
    .where('createTime', '<', before)
    .orderBy('createTime')
    .limit(100)
    .execute();

/** Abandons a reserved version. Its upload's id becomes free: the same upload may reserve again. */
export const markAbandoned = (db: Db, { moduleId, place, uploadId }: ModuleVersionRow): Promise<ModuleVersionRow> =>
  db
    .updateTable('moduleVersions')
    .set({ state: State.ABANDONED, uploadId: `${uploadId}#${place}` })
    .where('moduleId', '=', moduleId)
    .where('place', '=', place)
    .returningAll()
    .executeTakeFirstOrThrow();
