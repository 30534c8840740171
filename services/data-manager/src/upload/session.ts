// What an upload needs of the turn that carries it.
import type { ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Transaction } from 'kysely';
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
};

/** The id of the run's present upload, by which targets and ExtDatamoduleManager know it. */
export const uploadIdOf = ({ runId, uploadGeneration }: ExecutionRow): string => `${runId}.${uploadGeneration}`;

/** The id by which one target knows the upload: two connections may lead to one store, which then has an entry for each. */
export const targetUploadId = (row: ExecutionRow, connectionId: string): string => `${uploadIdOf(row)}.${connectionId}`;
