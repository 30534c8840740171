// The only wiring of AuditLogger.
import { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { defineService } from '@lethe/service/define-service';
import { auditRecord } from './events/audit-record.ts';
import { handlers } from './rpc/index.ts';
import { migrations } from './store/migrations/index.ts';
import type { Tables } from './store/tables.ts';

export const service = defineService<Tables>()({
  noun: 'audit',
  contract: AuditLoggerDefinition,
  migrations,
  calls: {},
  // It has no settings of its own.
  readConfig: () => undefined,
  build: ({ store }) => ({
    handlers: handlers({ store }),
    events: { handlers: new Map([auditRecord]) },
  }),
});
