import { Desire, Execution } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Run, Task, TaskRevision, type Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { isTerminal } from '@lethe/contracts/run-state';
import { isSettled } from '../domain/run.ts';
import { etagOf } from '@lethe/grpc/etag';
import type { RevisionRow, RunRow, TaskRow } from '../store/tables.ts';

/** A revision with its plan: the released one, or what a draft's would be. */
export const revisionView = (row: RevisionRow, draftPlan?: EffectivePlan): TaskRevision => ({
  ...TaskRevision.decode(row.configuration),
  number: row.number,
  state: row.state,
  plan: row.plan ? EffectivePlan.decode(row.plan) : draftPlan,
  snapshotHash: row.snapshotHash,
  moduleDocumentHash: row.moduleDocumentHash,
  moduleDocumentRevision: row.moduleDocumentRevision,
  releasedBy: row.releasedBy ?? '',
  releasedByName: row.releasedByName,
  releaseTime: row.releaseTime ?? undefined,
});

export const taskView = (row: TaskRow, revision: TaskRevision | undefined, missing: Missing[] = []): Task => ({
  id: row.id,
  groupId: row.groupId,
  displayName: row.displayName,
  description: row.description,
  namespace: row.namespace,
  kind: row.kind,
  moduleId: row.moduleId,
  moduleName: row.moduleName,
  revision,
  releasedRevision: row.releasedRevision,
  missing,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
  documentNewer: false,
});

const readParameters = (row: RunRow): Record<string, string> => JSON.parse(row.parameters.toString()) as Record<string, string>;

/** A run by its row, or by an execution that was fetched after it, where that is no older. */
export const runView = (row: RunRow, options: { fetched?: Execution | undefined; snapshot?: boolean } = {}): Run => {
  const stored = row.execution ? Execution.decode(row.execution) : undefined;
  const execution = options.fetched && options.fetched.revision >= row.executionRevision ? options.fetched : stored;
  const state = execution?.state ?? row.state;
  const reconciling = row.desireRevision > (execution?.desireRevision ?? 0n) && !isSettled(state, row.desire);
  // A confirmation clears the refusal of the last one, whether DataManager has heard of it or not.
  const isConfirmed = reconciling && row.desire === Desire.UPLOAD;
  return {
    id: row.id,
    taskId: row.taskId,
    groupId: row.groupId,
    moduleId: row.moduleId,
    taskRevision: row.taskRevision,
    state,
    desire: row.desire,
    reconciling,
    waitingFor: execution?.waitingFor ?? '',
    refusal: isConfirmed ? '' : (execution?.refusal ?? ''),
    error: execution?.error ?? '',
    errorInfo: isConfirmed ? undefined : execution?.errorInfo,
    baseVersion: row.baseVersion,
    publishedVersion: execution?.publishedVersion ?? '',
    tables: execution?.tables ?? [],
    stages: execution?.stages ?? [],
    progress: execution?.progress,
    attempt: execution?.attempt ?? 0,
    nextAttemptTime: execution?.nextAttemptTime,
    startedBy: row.startedBy,
    startedByName: row.startedByName,
    taskName: row.taskName,
    moduleName: row.moduleName,
    parameters: readParameters(row),
    snapshotHash: row.snapshotHash,
    createTime: row.createTime,
    updateTime: row.updateTime,
    prepareTime: execution?.prepareTime,
    endTime: isTerminal(state) ? (execution?.endTime ?? row.endTime ?? undefined) : undefined,
    expireTime: execution?.expireTime,
    snapshot: options.snapshot ? EffectivePlan.decode(row.plan) : undefined,
  };
};

/** A task as the audit record shows it: the plan by its hash. */
export const auditTask = (row: TaskRow, revision: RevisionRow): AuditView =>
  auditView(Task, taskView(row, { ...revisionView(revision), plan: undefined }));
export const auditRun = (row: RunRow): AuditView => auditView(Run, runView(row));
