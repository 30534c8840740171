import { Script, type ScriptVersion } from '@lethe/contracts/gen/lethe/script/v1/script';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { etagOf } from '@lethe/grpc/etag';
import type { ScriptRow, VersionRow } from '../store/tables.ts';

/** A version, without its content where a list shows it. */
export const versionView = (row: VersionRow, whole: boolean): ScriptVersion => ({
  number: row.number,
  state: row.state,
  content: whole ? row.content : '',
  contentHash: row.contentHash,
  properties: row.properties,
  parameters: row.parameters,
  createTime: row.createTime,
  releaseTime: row.releaseTime ?? undefined,
  readKind: row.readKind,
});

/** A script with one version. */
export const scriptView = (row: ScriptRow, version: VersionRow, whole = true): Script => ({
  id: row.id,
  groupId: row.groupId,
  displayName: row.displayName,
  description: row.description,
  namespace: row.namespace,
  type: row.type,
  language: row.language,
  version: versionView(version, whole),
  headVersion: row.headVersion,
  releasedVersion: row.releasedVersion,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

/** A script as the audit record shows it: the content by its hash. */
export const auditScript = (row: ScriptRow, version: VersionRow): AuditView => auditView(Script, scriptView(row, version, false));
