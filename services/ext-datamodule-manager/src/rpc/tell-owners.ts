import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import type { OutgoingEvent } from '@lethe/db/mutate';
import type { ConnectionRow } from '../store/tables.ts';

/** The event by which the owners of a connection are told of its creation or change. */
export const tellOwners = (row: ConnectionRow, kind: 'CONNECTION_CREATED' | 'CONNECTION_UPDATED'): OutgoingEvent => ({
  consumer: 'user',
  type: 'lethe.event.v1.NotificationRequested',
  payload: NotificationRequested.encode({
    kind,
    resource: `connections/${row.id}`,
    groupId: row.groupId,
    text: `The connection ${row.displayName} was ${kind === 'CONNECTION_CREATED' ? 'created' : 'changed'}`,
    userIds: row.ownerIds,
    duties: [],
  }).finish(),
});
