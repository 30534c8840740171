import { AuditLog, type ListAuditLogsRequest, type ListAuditLogsResponse } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { closePage, openPage } from '@lethe/grpc/page';
import type { Deps } from '../app/deps.ts';
import { auditLogView } from '../app/views.ts';
import { visibilityOf } from '../app/visibility.ts';
import * as logs from '../store/audit-logs.ts';

/** A page of the log, newest first, with the number up to which each source's records are in it. */
export const listAuditLogs =
  (deps: Deps) =>
  async (request: ListAuditLogsRequest, ctx: UserCall): Promise<ListAuditLogsResponse> => {
    if (request.startTime && request.endTime && request.startTime > request.endTime) throw fail('RANGE_INVALID');
    const page = openPage(ctx, request);
    const sourceWatermarks = await logs.watermarks(deps.store.db);
    const rows = await logs.listAuditLogs(deps.store.db, {
      ...request,
      visibility: visibilityOf(ctx),
      after: page.after,
      limit: page.limit + 1,
    });
    const views = rows.map((row) => auditLogView(row, false));
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, AuditLog);
    return { auditLogs: items, nextPageToken, sourceWatermarks };
  };
