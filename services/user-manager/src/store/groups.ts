import type { Queryable } from '@lethe/db/open';
import type { GroupRow, MemberRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A group that is not deleted, with `groupId` for the visibility check. */
export const findGroup = async (db: Db, id: string): Promise<(GroupRow & { groupId: string }) | undefined> => {
  const group = await db.selectFrom('groups').selectAll().where('id', '=', id).where('deleteTime', 'is', null).executeTakeFirst();
  return group && { ...group, groupId: group.id };
};

/** A page of groups by id; `ids` undefined = all. */
export const listGroups = (
  db: Db,
  filter: { ids: string[] | undefined; after: string; limit: number; displayName: string; namespace: string },
): Promise<GroupRow[]> =>
  db
    .selectFrom('groups')
    .selectAll()
    .where('deleteTime', 'is', null)
    .$if(filter.ids !== undefined, (groups) => groups.where((row) => row('id', '=', row.fn.any(row.val(filter.ids ?? [])))))
    .$if(filter.after !== '', (groups) => groups.where('id', '>', filter.after))
    .$if(filter.displayName !== '', (groups) => groups.where('displayName', '=', filter.displayName))
    .$if(filter.namespace !== '', (groups) => groups.where('namespace', '=', filter.namespace))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** A member, locked for a change. */
export const lockMember = (db: Db, groupId: string, userId: string): Promise<MemberRow | undefined> =>
  db.selectFrom('members').selectAll().where('groupId', '=', groupId).where('userId', '=', userId).forUpdate().executeTakeFirst();

/** The ids of a group's owners. The group is locked, so that two changes cannot both take the last but one away. */
export const lockOwners = async (db: Db, groupId: string): Promise<string[]> => {
  await db.selectFrom('groups').select('id').where('id', '=', groupId).forUpdate().execute();
  const owners = await db.selectFrom('members').select('userId').where('groupId', '=', groupId).where('role', '=', 4).execute();
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

/** The users of a group who hold one of the duties, by role or given. */
export const holdersOf = async (db: Db, groupId: string, holds: (member: MemberRow) => boolean): Promise<string[]> => {
  const members = await db.selectFrom('members').selectAll().where('groupId', '=', groupId).execute();
  return members.filter(holds).map(({ userId }) => userId);
};
