import { RunErrorInfo } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Notification, Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { randomUUIDv7 } from 'node:crypto';
import { insertNotifications } from '../store/notifications.ts';
import type { Tx } from '../store/tables.ts';
import { knownUserIds } from '../store/users.ts';

/** What a notification says. The text holds no private data. */
export type Notice = { kind: Notification_Kind; resource: string; groupId: string; text: string } & Partial<
  Pick<Notification, 'taskId' | 'runId' | 'cause' | 'errorInfo'>
>;

/** Notifies users, in the transaction of what happened. Ids of no user are skipped. */
export const notify = async (tx: Tx, userIds: readonly string[], notice: Notice): Promise<void> => {
  const known = await knownUserIds(tx, [...new Set(userIds)]);
  const groupId = notice.groupId === '' ? null : notice.groupId;
  const errorInfo = notice.errorInfo ? Buffer.from(RunErrorInfo.encode(notice.errorInfo).finish()) : null;
  await insertNotifications(
    tx,
    known.map((userId) => ({ ...notice, id: randomUUIDv7(), userId, groupId, errorInfo })),
  );
};
