import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { on } from '@lethe/events/consume';
import { createHash } from 'node:crypto';
import { leafHash } from '../domain/leaf.ts';
import { insertAuditLog } from '../store/audit-logs.ts';
import type { Tables } from '../store/tables.ts';

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** Appends an audit record, exactly as it was sent. */
export const auditRecord = on<Tables, AuditRecord>(AuditRecord, (tx, record, { payload, source, sourceSeq }) =>
  insertAuditLog(tx, { record, source, sourceSeq, bytes: payload, leafHash: leafHash(payload, sha256) }),
);
