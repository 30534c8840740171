// Values without a leaf: private, so only who may read rows is shown them, and they go as prepared rows do.
import type { Queryable } from '@lethe/db/open';
import type { MissingLeafValue } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { Selectable } from 'kysely';
import type { Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A kept value; `id` is its place in the list. */
export type MissingLeafRow = Selectable<Tables['missingLeaves']>;

/** Keeps the values of a column of a run in place of those of an earlier try. */
export const replaceMissingLeaves = async (
  db: Db,
  { runId, table, column, now }: { runId: string; table: string; column: string; now: Date },
  values: readonly Pick<MissingLeafValue, 'value' | 'rowCount'>[],
): Promise<void> => {
  await db.deleteFrom('missingLeaves').where('runId', '=', runId).where('tableName', '=', table).where('columnName', '=', column).execute();
  if (values.length === 0) return;
  const place = { runId, tableName: table, columnName: column, createTime: now };
  await db
    .insertInto('missingLeaves')
    .values(values.map(({ value, rowCount }) => ({ ...place, value, rowCount })))
    .execute();
};

/** Values of a run in the order in which they were kept, after an id. */
export const listMissingLeaves = (
  db: Db,
  { runId, after, limit }: { runId: string; after: string; limit: number },
): Promise<MissingLeafRow[]> =>
  db
    .selectFrom('missingLeaves')
    .selectAll()
    .where('runId', '=', runId)
    .where('id', '>', BigInt(after === '' ? 0 : after))
    .orderBy('id')
    .limit(limit)
    .execute();

/** Deletes the values of a run. */
export const deleteMissingLeaves = async (db: Db, runId: string): Promise<void> => {
  await db.deleteFrom('missingLeaves').where('runId', '=', runId).execute();
};

/** Deletes the values that were kept before a time. */
export const deleteOldMissingLeaves = async (db: Db, before: Date): Promise<void> => {
  await db.deleteFrom('missingLeaves').where('createTime', '<', before).execute();
};
