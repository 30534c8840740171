import type { Queryable } from '@lethe/db/open';
import { sql, type Insertable } from 'kysely';
import type { Tables, TokenRow } from './tables.ts';

type Db = Queryable<Tables>;

/** A token. */
export const findToken = (db: Db, id: string): Promise<TokenRow | undefined> =>
  db.selectFrom('tokens').selectAll().where('id', '=', id).executeTakeFirst();

/** A token, locked for a change. */
export const lockToken = (db: Db, id: string): Promise<TokenRow> =>
  db.selectFrom('tokens').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** The user of a personal token that is valid at `now`, and the token. */
export const findByTokenHash = (db: Db, hash: Buffer, now: Date) =>
  db
    .selectFrom('tokens')
    .innerJoin('users', 'users.id', 'tokens.userId')
    .selectAll('users')
    .select(['tokens.id as tokenId', 'tokens.scopes as scopes', 'tokens.expireTime as expireTime', 'tokens.lastUseTime as lastUseTime'])
    .where('tokens.hash', '=', hash)
    .where('tokens.revokeTime', 'is', null)
    .where('tokens.expireTime', '>', now)
    .executeTakeFirst();

/** A page of a user's tokens by id. */
export const listTokens = (db: Db, filter: { userId: string; after: string; limit: number }): Promise<TokenRow[]> =>
  db
    .selectFrom('tokens')
    .selectAll()
    .where('userId', '=', filter.userId)
    .$if(filter.after !== '', (tokens) => tokens.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Makes a token. */
export const insertToken = (db: Db, token: Insertable<Tables['tokens']>): Promise<TokenRow> =>
  db.insertInto('tokens').values(token).returningAll().executeTakeFirstOrThrow();

/** Stores when a token was used last. */
export const setLastUse = async (db: Db, id: string, lastUseTime: Date): Promise<void> => {
  await db.updateTable('tokens').set({ lastUseTime }).where('id', '=', id).execute();
};

/** Ends a token and all that were made with it, directly or through others; the time at which one was ended first stays. Returns the token. */
export const markTokenRevoked = async (db: Db, before: TokenRow, now: Date): Promise<TokenRow> => {
  await sql`
    with recursive family as (
      select id from tokens where id = ${before.id}
      union select child.id from tokens child join family on child.parent_id = family.id
    )
    update tokens set revoke_time = coalesce(revoke_time, ${now}) where id in (select id from family)`.execute(db);
  return db.selectFrom('tokens').selectAll().where('id', '=', before.id).executeTakeFirstOrThrow();
};
