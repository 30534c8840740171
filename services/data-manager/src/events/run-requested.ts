import { Desire, ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RunRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { emit } from '@lethe/db/event';
import { systemRecord } from '@lethe/db/mutate';
import { on } from '@lethe/events/consume';
import type { Config } from '../config.ts';
import { insertExecution } from '../store/executions.ts';
import { newWrappedKey } from '../keys/run-keys.ts';
import { auditExecution, executionChanged } from '../run/view.ts';
import type { Tables } from '../store/tables.ts';
import { invariant } from '../domain/defect.ts';

/** Queues a run. Its seed is drawn here, once: every retry of a stage repeats the same noise. */
export const runRequested = (config: Config, now: () => Date) =>
  on<Tables, RunRequested>(RunRequested, async (tx, { spec }, { traceparent }) => {
    invariant(spec, 'a request without its specification');
    const seed = newWrappedKey(config.wrappingKeys, `runs/${spec.runId}`);
    const row = await insertExecution(tx, {
      runId: spec.runId,
      taskId: spec.taskId,
      groupId: spec.groupId,
      moduleId: spec.moduleId,
      spec: Buffer.from(ExecutionSpec.encode({ ...spec, ticket: '' }).finish()),
      ticket: spec.ticket,
      startedBy: spec.startedBy,
      state: RunState.QUEUED,
      desire: Desire.RUN,
      desireRevision: 1n,
      reachedRevision: 1n,
      revision: 1n,
      resumeState: RunState.UNSPECIFIED,
      waitingFor: '',
      refusal: '',
      error: '',
      attempt: 0,
      epoch: 0n,
      seedKeyId: seed.keyId,
      seedWrapped: seed.bytes,
      deleteEntries: false,
      uploadGeneration: 0,
      publishedVersion: '',
    });
    if (!row) return;
    const record = systemRecord(
      { service: 'data', action: 'queue', onBehalfOf: row.startedBy },
      { resource: `runs/${row.runId}`, groupId: row.groupId, runId: row.runId, after: auditExecution(row) },
    );
    await emit(tx, { record, events: [executionChanged(row, 0, now())], traceparent });
  });
