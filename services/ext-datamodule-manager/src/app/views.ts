import {
  Connection,
  type AccessStatus,
  type ConnectionCard,
  type ConnectionType,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { DataModule, DataModuleVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { etagOf } from '@lethe/grpc/etag';
import type { ConnectionKind } from '../domain/connection-types.ts';
import type { ConnectionRow, ModuleRow, ModuleVersionRow } from '../store/tables.ts';
import { tablesOf } from '../store/versions.ts';

/** A connection, without secrets. */
export const connectionView = (row: ConnectionRow): Connection => ({
  id: row.id,
  groupId: row.groupId,
  displayName: row.displayName,
  description: row.description,
  namespace: row.namespace,
  type: row.type,
  schemaVersion: row.schemaVersion,
  settings: row.settings,
  contract: row.contract,
  ownerIds: row.ownerIds,
  discoverable: row.discoverable,
  requirePrivacy: row.requirePrivacy,
  secretSet: row.secretCiphertext !== null,
  secretUpdateTime: row.secretUpdateTime ?? undefined,
  secretKeyId: row.secretKeyId ?? '',
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

export const cardView = (row: ConnectionRow, readAccess: AccessStatus, writeAccess: AccessStatus): ConnectionCard => ({
  id: row.id,
  groupId: row.groupId,
  displayName: row.displayName,
  type: row.type,
  contract: row.contract,
  ownerIds: row.ownerIds,
  readAccess,
  writeAccess,
});

export const connectionTypeView = (kind: ConnectionKind): ConnectionType => ({
  type: kind.type,
  schemaVersion: kind.schemaVersion,
  description: kind.description,
  settingsSchema: kind.settings,
  secretSchema: kind.secret,
  readable: kind.readable,
  writable: kind.writable,
});

export const moduleView = (row: ModuleRow, whole = true): DataModule => ({
  id: row.id,
  groupId: row.groupId,
  displayName: row.displayName,
  namespace: row.namespace,
  document: whole ? row.document : undefined,
  documentRevision: row.documentRevision,
  documentHash: row.documentHash,
  headVersion: row.headVersion,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

export const versionView = (row: ModuleVersionRow, whole = true): DataModuleVersion => ({
  moduleId: row.moduleId,
  version: row.version,
  state: row.state,
  baseVersion: row.baseVersion,
  runId: row.runId,
  document: whole ? (row.document ?? undefined) : undefined,
  documentHash: row.documentHash,
  tables: tablesOf(row),
  uploadId: row.uploadId,
  createTime: row.createTime,
  publishTime: row.publishTime ?? undefined,
});

export const auditConnection = (row: ConnectionRow): AuditView => auditView(Connection, connectionView(row));
export const auditModule = (row: ModuleRow): AuditView => auditView(DataModule, moduleView(row));
export const auditVersion = (row: ModuleVersionRow): AuditView => auditView(DataModuleVersion, versionView(row, false));
