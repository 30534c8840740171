import type { Queryable } from '@lethe/db/open';
import type { AccessRequestRow, NotificationRow, Tables, TokenRow } from './tables.ts';

type Db = Queryable<Tables>;

/** An access request. */
export const findAccessRequest = (db: Db, id: string): Promise<AccessRequestRow | undefined> =>
  db.selectFrom('accessRequests').selectAll().where('id', '=', id).executeTakeFirst();

/** An access request, locked for its decision. */
export const lockAccessRequest = (db: Db, id: string): Promise<AccessRequestRow> =>
  db.selectFrom('accessRequests').selectAll().where('id', '=', id).forUpdate().executeTakeFirstOrThrow();

/** The live request of a user for a connection. */
export const findLiveRequest = (
  db: Db,
  key: { connectionId: string; userId: string; access: number },
): Promise<AccessRequestRow | undefined> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .where('connectionId', '=', key.connectionId)
    .where('userId', '=', key.userId)
    .where('access', '=', key.access)
    .where('state', 'in', [1, 2])
    .executeTakeFirst();

/** A page of requests by id: of a user, or of a connection. */
export const listAccessRequests = (
  db: Db,
  filter: { userId: string; connectionId: string; state: number; after: string; limit: number },
): Promise<AccessRequestRow[]> =>
  db
    .selectFrom('accessRequests')
    .selectAll()
    .$if(filter.connectionId !== '', (rows) => rows.where('connectionId', '=', filter.connectionId))
    .$if(filter.userId !== '', (rows) => rows.where('userId', '=', filter.userId))
    .$if(filter.state !== 0, (rows) => rows.where('state', '=', filter.state))
    .$if(filter.after !== '', (rows) => rows.where('id', '>', filter.after))
    .orderBy('id')
    .limit(filter.limit)
    .execute();

/** Writes down that approved accesses whose time has passed have expired; answers them. */
export const expireAccesses = (db: Db, now: Date): Promise<AccessRequestRow[]> =>
  db
    .updateTable('accessRequests')
    .set({ state: 4, updateTime: now })
    .where('state', '=', 2)
    .where('expireTime', '<=', now)
    .returningAll()
    .execute();

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

/** A page of a user's notifications, newest first. */
export const listNotifications = (
  db: Db,
  filter: { userId: string; unreadOnly: boolean; after: string; limit: number },
): Promise<NotificationRow[]> =>
  db
    .selectFrom('notifications')
    .selectAll()
    .where('userId', '=', filter.userId)
    .$if(filter.unreadOnly, (rows) => rows.where('ackTime', 'is', null))
    .$if(filter.after !== '', (rows) => rows.where('id', '<', filter.after))
    .orderBy('id', 'desc')
    .limit(filter.limit)
    .execute();
