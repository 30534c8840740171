import type { Queryable } from '@lethe/db/open';
import type { Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** The present revision of everybody's rights. */
export const findAuthzRevision = async (db: Db): Promise<bigint> =>
  (await db.selectFrom('authz').select('revision').executeTakeFirstOrThrow()).revision;

/** Raises the revision of rights. */
export const raiseAuthzRevision = async (db: Db): Promise<bigint> =>
  (
    await db
      .updateTable('authz')
      .set((row) => ({ revision: row('revision', '+', 1n) }))
      .returning('revision')
      .executeTakeFirstOrThrow()
  ).revision;
