import { Entry, PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { etagOf } from '@lethe/grpc/etag';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { columnsOf } from '../outbox/overlay.ts';
import type { EntryRow } from '../store/tables.ts';

/** An entry of the Outbox. */
export const entryView = (row: EntryRow): Entry => ({
  id: row.id,
  runId: row.runId,
  table: row.table,
  state: row.state,
  etag: etagOf(row.version),
  expireTime: row.expireTime,
  columns: columnsOf(row),
  rowCount: row.rowCount,
  editedRowCount: row.editedRowCount,
  sizeBytes: row.sizeBytes,
  contentHash: row.contentHash,
  privacy: PrivacyResult.decode(row.privacy),
  groupId: row.groupId,
  moduleId: row.moduleId,
  taskId: row.taskId,
  moduleName: row.moduleName,
  taskName: row.taskName,
  createTime: row.createTime,
  updateTime: row.updateTime,
});

/** An entry in the audit record: counts and digests. */
export const auditEntry = (row: EntryRow): AuditView => auditView(Entry, { ...entryView(row), columns: [] });
