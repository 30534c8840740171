import type { GetAuditLogRequest, GetAuditLogResponse } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { auditLogView } from '../app/views.ts';
import { visibilityOf } from '../app/visibility.ts';
import { isVisible } from '../domain/visibility.ts';
import { findAuditLog } from '../store/audit-logs.ts';

/** A log entry with request, before and after. */
export const getAuditLog =
  (deps: Deps) =>
  async (request: GetAuditLogRequest, ctx: UserCall): Promise<GetAuditLogResponse> => {
    const row = await findAuditLog(deps.store.db, request.auditLogId);
    if (!row || !isVisible(visibilityOf(ctx), row)) throw notFound('audit_log');
    return { auditLog: auditLogView(row, true) };
  };
