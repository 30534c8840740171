import type { Queryable } from '@lethe/db/open';
import type { Insertable } from 'kysely';
import type { GroupRow, Tables } from './tables.ts';

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

/** Makes a group. */
export const insertGroup = (db: Db, group: Insertable<Tables['groups']>): Promise<GroupRow> =>
  db.insertInto('groups').values(group).returningAll().executeTakeFirstOrThrow();
