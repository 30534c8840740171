import type { AckNotificationRequest, AckNotificationResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { notificationView } from '../app/views.ts';

/** Marks a notification as read. */
export const ackNotification =
  (deps: Deps) =>
  async (request: AckNotificationRequest, ctx: UserCall): Promise<AckNotificationResponse> =>
    mutate(deps.store, ctx, request.requestId, async (tx) => {
      const found = await tx
        .selectFrom('notifications')
        .selectAll()
        .where('id', '=', request.notificationId)
        .forUpdate()
        .executeTakeFirst();
      if (found?.userId !== ctx.user.userId) throw notFound('notification');
      const ackTime = found.ackTime ?? deps.now();
      const after = await tx
        .updateTable('notifications')
        .set({ ackTime })
        .where('id', '=', found.id)
        .returningAll()
        .executeTakeFirstOrThrow();
      return { response: { notification: notificationView(after) }, resource: `notifications/${after.id}` };
    });
