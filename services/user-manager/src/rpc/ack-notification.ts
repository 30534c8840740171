import type { AckNotificationRequest, AckNotificationResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { notificationView } from '../app/views.ts';
import { lockNotification, markAcked } from '../store/notifications.ts';

/** Marks a notification as read. */
export const ackNotification =
  (deps: Deps) =>
  async (request: AckNotificationRequest, ctx: UserCall): Promise<AckNotificationResponse> =>
    mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockNotification(tx, request.notificationId);
      if (before?.userId !== ctx.user.userId) throw notFound('notification');
      const after = await markAcked(tx, before, deps.now());
      return { response: { notification: notificationView(after) }, resource: `notifications/${after.id}` };
    });
