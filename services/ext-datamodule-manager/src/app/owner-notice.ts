import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { event, type OutgoingEvent } from '@lethe/db/event';
import type { ConnectionRow } from '../store/tables.ts';

const VERBS = { [Notification_Kind.CONNECTION_CREATED]: 'created', [Notification_Kind.CONNECTION_UPDATED]: 'changed' };

/** The event that notifies the owners of a connection of its creation or change. */
export const ownerNotice = (row: ConnectionRow, notice: keyof typeof VERBS): OutgoingEvent =>
  event('user', NotificationRequested, {
    notice,
    kind: '',
    resource: `connections/${row.id}`,
    groupId: row.groupId,
    text: `The connection ${row.displayName} was ${VERBS[notice]}`,
    userIds: row.ownerIds,
    duties: [],
    holdersOf: [],
    taskId: '',
    runId: '',
    cause: '',
    errorInfo: undefined,
  });
