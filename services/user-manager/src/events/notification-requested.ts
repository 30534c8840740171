import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty } from '@lethe/contracts/gen/lethe/user/v1/user';
import { on } from '@lethe/events/consume';
import { notify } from '../app/notify.ts';
import { dutiesOf } from '../domain/permissions.ts';
import { membersOf } from '../store/members.ts';
import type { Tables } from '../store/tables.ts';

/** Makes the notifications that another service requests: for users by id, and for the holders of duties in a group. */
export const notificationRequested = on<Tables, NotificationRequested>(NotificationRequested, async (tx, requested) => {
  const { resource, groupId, text, userIds, taskId, runId, cause, errorInfo } = requested;
  // An event that was sent by the version before this one has names in place of the enums.
  const wanted = [...requested.holdersOf, ...requested.duties.map((name) => Duty[name as keyof typeof Duty])];
  const kind = requested.notice || (Notification_Kind[requested.kind as keyof typeof Notification_Kind] ?? Notification_Kind.UNSPECIFIED);
  const members = groupId === '' || wanted.length === 0 ? [] : await membersOf(tx, groupId);
  const holders = members.filter(({ role, duties }) => dutiesOf(role, duties).some((duty) => wanted.includes(duty)));
  await notify(tx, [...userIds, ...holders.map(({ userId }) => userId)], {
    kind,
    resource,
    groupId,
    text,
    taskId,
    runId,
    cause,
    errorInfo,
  });
});
