import type { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { Deps } from '../app/deps.ts';
import { getAuditLog } from './get-audit-log.ts';
import { listAuditLogs } from './list-audit-logs.ts';

/** The handlers of AuditLogger; one that is missing does not compile. */
export const handlers = (deps: Deps): Handlers<typeof AuditLoggerDefinition> => ({
  listAuditLogs: listAuditLogs(deps),
  getAuditLog: getAuditLog(deps),
});
