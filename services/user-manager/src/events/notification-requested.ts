import { NotificationRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Duty, type Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { EventHandler } from '@lethe/events/consume';
import { dutiesOf } from '../domain/permissions.ts';
import { holdersOf } from '../store/groups.ts';
import { notify } from '../store/notify.ts';
import type { Tables } from '../store/tables.ts';

/** Makes the notifications that another service asks for: for users by id, and for the holders of duties in a group. */
export const notificationRequested: EventHandler<Tables> = async (tx, { payload }) => {
  const { kind, resource, groupId, text, userIds, duties } = NotificationRequested.decode(payload);
  const wanted = duties.map((name) => Duty[name as keyof typeof Duty]);
  const holders =
    groupId === '' || wanted.length === 0
      ? []
      : await holdersOf(tx, groupId, (member) =>
          dutiesOf(member.role as Role, member.duties as Duty[]).some((duty) => wanted.includes(duty)),
        );
  await notify(tx, [...userIds, ...holders], {
    kind: Notification_Kind[kind as keyof typeof Notification_Kind] ?? Notification_Kind.UNSPECIFIED,
    resource,
    groupId,
    text,
  });
};
