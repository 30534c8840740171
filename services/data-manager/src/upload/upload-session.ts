// What an upload needs of the worker's turn that it is part of.
import type { ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Transaction } from 'kysely';
import type { TargetUpload } from '../connectors/connector.ts';
import type { RunDeps } from '../deps.ts';
import type { ExecutionUpdate } from '../store/executions.ts';
import type { ExecutionRow, Tables } from '../store/tables.ts';

/** The turn of a worker at an execution that is uploaded. */
export type UploadSession = {
  readonly deps: RunDeps;
  readonly spec: ExecutionSpec;
  /** The execution as this turn last wrote it. */
  readonly row: ExecutionRow;
  readonly signal: AbortSignal;
  change: (action: string, set: ExecutionUpdate, options?: { write?: (tx: Transaction<Tables>) => Promise<void> }) => Promise<void>;
  startProgress: (stage: RunState) => void;
  /** The execution's report where the stage under way ends, and another begins. */
  reportAt: (at: { rowCount: number; next?: RunState }) => Buffer;
  /** Throws where another worker has the execution. */
  fence: () => Promise<void>;
};

/** The id of the run's present upload, by which targets and ExtDatamoduleManager know it. */
export const uploadIdOf = ({ runId, uploadGeneration }: ExecutionRow): string => `${runId}.${uploadGeneration}`;

/** The upload as the target of a connection knows it: two connections may lead to one store, which then has an entry for each. */
export const targetUpload = ({ row, fence }: Pick<UploadSession, 'row' | 'fence'>, connectionId: string): TargetUpload => ({
  uploadId: `${uploadIdOf(row)}.${connectionId}`,
  stagingId: `${row.runId}.${connectionId}`,
  epoch: Number(row.epoch),
  isPublishing: row.publishing,
  fence,
});
