import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { Queryable } from '@lethe/db/open';
import type { Insertable } from 'kysely';
import type { MemberRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A member, locked for a change. */
export const lockMember = (db: Db, groupId: string, userId: string): Promise<MemberRow | undefined> =>
  db.selectFrom('members').selectAll().where('groupId', '=', groupId).where('userId', '=', userId).forUpdate().executeTakeFirst();

/** The ids of a group's owners. The group is locked, so that two changes at once cannot remove the last two. */
export const lockOwners = async (db: Db, groupId: string): Promise<string[]> => {
  await db.selectFrom('groups').select('id').where('id', '=', groupId).forUpdate().execute();
  const owners = await db.selectFrom('members').select('userId').where('groupId', '=', groupId).where('role', '=', Role.OWNER).execute();
  return owners.map(({ userId }) => userId);
};

/** A page of members by user id, with their names. */
export const listMembers = (
  db: Db,
  filter: { groupId: string; after: string; limit: number },
): Promise<(MemberRow & { displayName: string })[]> =>
  db
    .selectFrom('members')
    .innerJoin('users', 'users.id', 'members.userId')
    .selectAll('members')
    .select('users.displayName as displayName')
    .where('groupId', '=', filter.groupId)
    .$if(filter.after !== '', (members) => members.where('userId', '>', filter.after))
    .orderBy('userId')
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

/** All members of a group. */
export const membersOf = (db: Db, groupId: string): Promise<MemberRow[]> =>
  db.selectFrom('members').selectAll().where('groupId', '=', groupId).execute();

/** Adds a member. */
export const insertMember = (db: Db, member: Insertable<Tables['members']>): Promise<MemberRow> =>
  db.insertInto('members').values(member).returningAll().executeTakeFirstOrThrow();

/** Gives a member another role and other duties. */
export const updateMember = (db: Db, before: MemberRow, changes: Pick<MemberRow, 'role' | 'duties'>, now: Date): Promise<MemberRow> =>
  db
    .updateTable('members')
    .set({ ...changes, version: before.version + 1, updateTime: now })
    .where('groupId', '=', before.groupId)
    .where('userId', '=', before.userId)
    .returningAll()
    .executeTakeFirstOrThrow();

/** Removes a member from a group. */
export const deleteMember = async (db: Db, { groupId, userId }: MemberRow): Promise<void> => {
  await db.deleteFrom('members').where('groupId', '=', groupId).where('userId', '=', userId).execute();
};
