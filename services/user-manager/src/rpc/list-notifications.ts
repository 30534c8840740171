import { Notification } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { ListNotificationsRequest, ListNotificationsResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { notificationView } from '../app/views.ts';
import * as notifications from '../store/notifications.ts';

/** A page of the caller's notifications, newest first. */
export const listNotifications =
  (deps: Deps) =>
  async (request: ListNotificationsRequest, ctx: UserCall): Promise<ListNotificationsResponse> => {
    const page = openPage(ctx, request);
    const filter = { userId: ctx.user.userId, unreadOnly: request.unreadOnly, after: page.after, limit: page.limit + 1 };
    const rows = await notifications.listNotifications(deps.store.db, filter);
    const { items, nextPageToken } = closePage(page, rows.map(notificationView), ({ id }) => id, Notification);
    return { notifications: items, nextPageToken };
  };
