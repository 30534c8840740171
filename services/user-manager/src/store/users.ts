import type { Queryable } from '@lethe/db/open';
import type { AccessRequestRow, MemberRow, Tables, UserRow } from './tables.ts';

type Db = Queryable<Tables>;

/** The user of that id. */
export const findUser = (db: Db, id: string): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();

/** The user of that account at a provider. */
export const findAccount = (db: Db, issuer: string, subject: string): Promise<UserRow | undefined> =>
  db.selectFrom('users').selectAll().where('issuer', '=', issuer).where('subject', '=', subject).executeTakeFirst();

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

/** A page of users by id; deactivated ones only on demand. */
export const listUsers = (db: Db, filter: { after: string; limit: number; query: string; all: boolean }): Promise<UserRow[]> =>
  db
    .selectFrom('users')
    .selectAll()
    .$if(filter.after !== '', (users) => users.where('id', '>', filter.after))
    .$if(!filter.all, (users) => users.where('state', '=', 1))
    .$if(filter.query !== '', (users) => {
      const pattern = `%${filter.query.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
      return users.where((user) => user.or([user('displayName', 'ilike', pattern), user('email', 'ilike', pattern)]));
    })
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** The groups of a user, with their names. */
export const membershipsOf = (db: Db, userId: string): Promise<(MemberRow & { groupDisplayName: string })[]> =>
  db
    .selectFrom('members')
    .innerJoin('groups', 'groups.id', 'members.groupId')
    .selectAll('members')
    .select('groups.displayName as groupDisplayName')
    .where('members.userId', '=', userId)
    .where('groups.deleteTime', 'is', null)
    .orderBy('members.groupId')
    .execute();

/** The accesses that a user has asked for and that nobody has decided on. */
export const pendingOf = (db: Db, userId: string): Promise<AccessRequestRow[]> =>
  db.selectFrom('accessRequests').selectAll().where('userId', '=', userId).where('state', '=', 1).orderBy('id').execute();

/** The approved accesses of a user that hold at `now`. */
export const grantsOf = (db: Db, userId: string, now: Date): Promise<AccessRequestRow[]> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .where('userId', '=', userId)
    .where('state', '=', 2)
    .where((row) => row.or([row('expireTime', 'is', null), row('expireTime', '>', now)]))
    .orderBy('id')
    .execute();

/** The present revision of everybody's rights. */
export const authzRevision = async (db: Db): Promise<bigint> =>
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
