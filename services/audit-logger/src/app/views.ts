import type { AuditLog } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import type { AuditLogRow } from '../store/tables.ts';

/** A log entry; without request, before and after unless `whole`. */
export const auditLogView = (row: AuditLogRow, whole: boolean): AuditLog => {
  const record = AuditRecord.decode(row.bytes);
  return {
    id: row.id,
    record: whole ? record : { ...record, request: undefined, before: undefined, after: undefined },
    sourceSeq: row.sourceSeq,
    leafHash: row.leafHash.toString('hex'),
    storeTime: row.storeTime,
  };
};
