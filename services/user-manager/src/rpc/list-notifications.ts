import { Notification } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { ListNotificationsRequest, ListNotificationsResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { closePage, openPage } from '@lethe/db/page';
import { callingUser, type CallContext } from '@lethe/grpc/context';
import * as access from '../store/access.ts';
import type { Deps } from './deps.ts';
import { notificationView } from './views.ts';

/** A page of the caller's notifications, newest first. */
export const listNotifications =
  (deps: Deps) =>
  async (request: ListNotificationsRequest, ctx: CallContext): Promise<ListNotificationsResponse> => {
    const page = openPage(ctx, request);
    const filter = { userId: callingUser(ctx).userId, unreadOnly: request.unreadOnly, after: page.after, limit: page.limit + 1 };
    const rows = await access.listNotifications(deps.store.db, filter);
    const { items, nextPageToken } = closePage(page, rows.map(notificationView), ({ id }) => id, Notification);
    return { notifications: items, nextPageToken };
  };
