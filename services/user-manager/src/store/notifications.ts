import type { Queryable } from '@lethe/db/open';
import type { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { randomUUIDv7 } from 'node:crypto';
import type { Tables } from './tables.ts';

/** What users are told. The text holds no private data. */
export type Notice = { kind: Notification_Kind; resource: string; groupId: string; text: string };

/** Tells users something, in the transaction of what happened. Unknown users are passed over. */
export const notify = async (db: Queryable<Tables>, userIds: readonly string[], notice: Notice): Promise<void> => {
  const ids = [...new Set(userIds)];
  if (ids.length === 0) return;
  const known = await db.selectFrom('users').select('id').where('id', 'in', ids).execute();
  if (known.length === 0) return;
  const { groupId, ...rest } = notice;
  const rows = known.map(({ id: userId }) => ({ id: randomUUIDv7(), userId, groupId: groupId === '' ? null : groupId, ...rest }));
  await db.insertInto('notifications').values(rows).execute();
};
