// Stop in the middle of an upload: the version's number is given up, unless a target has taken the rows already.
import type { ExecutionSpec } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { targetOf } from '../connectors/index.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { toFailure } from '../run/failure.ts';
import { publish } from './publish.ts';
import { resolveConnection } from '../connectors/resolve.ts';

// The lease outlasts it.
const PROBE_TIMEOUT_MS = 3_000;

/** The id of the run's present upload, by which targets and ExtDatamoduleManager know it. */
export const uploadIdOf = ({ runId, uploadGeneration }: ExecutionRow): string => `${runId}.${uploadGeneration}`;

const ask = async (deps: RunDeps, row: ExecutionRow, connectionId: string): Promise<boolean> => {
  const limits = { allowPrivateTargets: deps.config.allowPrivateTargets, fileRoot: deps.config.fileRoot };
  const connection = await resolveConnection(deps, row, connectionId, true);
  const upload = { uploadId: uploadIdOf(row), epoch: Number(row.epoch) };
  const target = await targetOf(connection, limits, upload, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  try {
    if (await target.probe(upload.uploadId)) return true;
    await target.cleanUp();
    return false;
  } finally {
    await target.close();
  }
};

/** Whether a target has the rows. One that is away may have them, so the Stop waits; one that cannot be asked any more has no say. */
const hasTaken = async (deps: RunDeps, row: ExecutionRow, connectionId: string): Promise<boolean> => {
  try {
    return await ask(deps, row, connectionId);
  } catch (error) {
    const failure = toFailure(error);
    if (failure.transient) throw failure;
    deps.log.warn({ runId: row.runId, reason: failure.code }, 'a target could not be asked about a stopped upload');
    return false;
  }
};

/** Gives the upload up; false where a target has taken the rows, so that it has to be carried to its end. */
export const withdraw = async (deps: RunDeps, row: ExecutionRow, spec: ExecutionSpec): Promise<boolean> => {
  const connectionIds = new Set(spec.plan?.uploads.map(({ connectionId }) => connectionId));
  for (const connectionId of connectionIds) if (await hasTaken(deps, row, connectionId)) return false;
  try {
    await publish.abandon(deps, row, uploadIdOf(row), 'STOPPED');
  } catch (error) {
    // Nothing was reserved.
    if (toFailure(error).code !== 'VERSION_STATE') throw error;
  }
  return true;
};
