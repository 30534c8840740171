import type { Queryable } from '@lethe/db/open';
import { sql, type Insertable, type Updateable } from 'kysely';
import type { ConnectionRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A connection that is not deleted. */
export const findConnection = (db: Db, id: string): Promise<ConnectionRow | undefined> =>
  db.selectFrom('connections').selectAll().where('id', '=', id).where('deleteTime', 'is', null).executeTakeFirst();

/** Whether a user owns any connection. */
export const ownsAny = async (db: Db, userId: string): Promise<boolean> =>
  (await db
    .selectFrom('connections')
    .select('id')
    .where((row) => row(row.val(userId), '=', row.fn.any('ownerIds')))
    .where('deleteTime', 'is', null)
    .limit(1)
    .executeTakeFirst()) !== undefined;

/** A connection, locked for a change. */
export const lockConnection = (db: Db, id: string): Promise<ConnectionRow> =>
  db.selectFrom('connections').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** Filters of the list; empty ones do not filter. `groupIds` undefined = all. */
export type ConnectionFilter = {
  groupIds: string[] | undefined;
  userId: string;
  groupId: string;
  namespace: string;
  displayName: string;
  type: string;
  after: string;
  limit: number;
};

/** A page of connections by id: of the caller's groups, the caller's own, and discoverable ones. */
export const listConnections = (db: Db, filter: ConnectionFilter): Promise<ConnectionRow[]> =>
  db
    .selectFrom('connections')
    .selectAll()
    .where('deleteTime', 'is', null)
    .$if(filter.groupIds !== undefined, (rows) =>
      rows.where((row) =>
        row.or([
          row('discoverable', '=', true),
          row('groupId', '=', row.fn.any(row.val(filter.groupIds ?? []))),
          row(row.val(filter.userId), '=', row.fn.any('ownerIds')),
        ]),
      ),
    )
    .$if(filter.groupId !== '', (rows) => rows.where('groupId', '=', filter.groupId))
    .$if(filter.namespace !== '', (rows) => rows.where('namespace', '=', filter.namespace))
    .$if(filter.displayName !== '', (rows) => rows.where('displayName', '=', filter.displayName))
    .$if(filter.type !== '', (rows) => rows.where('type', '=', filter.type))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** A page of the connections of an owner, by id. */
export const listOwned = (db: Db, { userId, after, limit }: { userId: string; after: string; limit: number }): Promise<ConnectionRow[]> =>
  db
    .selectFrom('connections')
    .selectAll()
    .where('deleteTime', 'is', null)
    // By the index on owner_ids.
    .where('ownerIds', '@>', sql<string[]>`array[${userId}]::uuid[]`)
    .$if(after !== '', (rows) => rows.where('id', '>', after))
    .orderBy('id')
    .limit(limit)
    .execute();

type Settings = { settings: Record<string, unknown> };

/** Makes a connection. */
export const insertConnection = (
  db: Db,
  { settings, ...connection }: Omit<Insertable<Tables['connections']>, 'settings'> & Settings,
): Promise<ConnectionRow> =>
  db
    .insertInto('connections')
    .values({ ...connection, settings: JSON.stringify(settings) })
    .returningAll()
    .executeTakeFirstOrThrow();

/** What may change of a connection. */
export type ConnectionChanges = Omit<Updateable<Tables['connections']>, 'id' | 'settings' | 'version' | 'createTime' | 'updateTime'> &
  Partial<Settings>;

/** Changes a connection. */
export const saveConnection = (
  db: Db,
  before: ConnectionRow,
  { settings, ...changes }: ConnectionChanges,
  now: Date,
): Promise<ConnectionRow> =>
  db
    .updateTable('connections')
    .set({
      ...changes,
      ...(settings === undefined ? {} : { settings: JSON.stringify(settings) }),
      version: before.version + 1,
      updateTime: now,
    })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
