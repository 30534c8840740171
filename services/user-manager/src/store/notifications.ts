import type { Queryable } from '@lethe/db/open';
import type { Insertable } from 'kysely';
import type { NotificationRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

/** A notification, locked for a change. */
export const lockNotification = (db: Db, id: string): Promise<NotificationRow | undefined> =>
  db.selectFrom('notifications').selectAll().where('id', '=', id).forUpdate().executeTakeFirst();

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

/** Makes notifications; none where there are none. */
export const insertNotifications = async (db: Db, notifications: readonly Insertable<Tables['notifications']>[]): Promise<void> => {
  if (notifications.length > 0) await db.insertInto('notifications').values(notifications).execute();
};

/** Marks a notification as read; the time at which it was read first stays. */
export const markAcked = (db: Db, before: NotificationRow, now: Date): Promise<NotificationRow> =>
  db
    .updateTable('notifications')
    .set({ ackTime: before.ackTime ?? now })
    .where('id', '=', before.id)
    .returningAll()
    .executeTakeFirstOrThrow();
