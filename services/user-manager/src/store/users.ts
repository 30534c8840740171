import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { Queryable } from '@lethe/db/open';
import type { Insertable, Updateable } from 'kysely';
import type { Tables, UserRow } from './tables.ts';

type Db = Queryable<Tables>;

/** The user of that id. */
export const findUser = (db: Db, id: string): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();

/** The user of that account at a provider. */
export const findAccount = (db: Db, issuer: string, subject: string): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('issuer', '=', issuer).where('subject', '=', subject).executeTakeFirst();

/** Those of the ids that users have. */
export const knownUserIds = async (db: Db, ids: readonly string[]): Promise<string[]> => {
  if (ids.length === 0) return [];
  const known = await db.selectFrom('users').select('id').where('id', 'in', ids).execute();
  return known.map(({ id }) => id);
};

/** The display names of users by id. */
export const userNames = async (db: Db, ids: readonly string[]): Promise<Map<string, string>> => {
  if (ids.length === 0) return new Map();
  const known = await db
    .selectFrom('users')
    .select(['id', 'displayName'])
    .where('id', 'in', [...new Set(ids)])
    .execute();
  return new Map(known.map(({ id, displayName }) => [id, displayName]));
};

/** A page of users by id; deactivated ones only where `withDeactivated`. */
export const listUsers = (db: Db, filter: { after: string; limit: number; query: string; withDeactivated: boolean }): Promise<UserRow[]> =>
  db
    .selectFrom('users')
    .selectAll()
    .$if(filter.after !== '', (users) => users.where('id', '>', filter.after))
    .$if(!filter.withDeactivated, (users) => users.where('state', '=', User_State.ACTIVE))
    .$if(filter.query !== '', (users) => {
      const pattern = `%${filter.query.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
      return users.where((user) => user.or([user('displayName', 'ilike', pattern), user('email', 'ilike', pattern)]));
    })
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Makes a user of an account, or returns the one that another call has made of it. */
export const insertUser = async (db: Db, user: Insertable<Tables['users']>): Promise<UserRow> => {
  await db
    .insertInto('users')
    .values(user)
    .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
    .execute();
  return db.selectFrom('users').selectAll().where('issuer', '=', user.issuer).where('subject', '=', user.subject).executeTakeFirstOrThrow();
};

/** Changes a user. */
export const updateUser = (
  db: Db,
  before: UserRow,
  changes: Pick<Updateable<Tables['users']>, 'state' | 'displayName'>,
  now: Date,
): Promise<UserRow> =>
  db
    .updateTable('users')
    .set({ ...changes, version: before.version + 1, updateTime: now })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
