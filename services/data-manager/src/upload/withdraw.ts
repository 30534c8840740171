// Stop in the middle of an upload: the version's number is given up, unless a target has taken the rows already.
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { toRunError } from '../domain/run-error.ts';
import { publish } from './publish.ts';
import { uploadIdOf, type UploadSession } from './session.ts';

// The lease outlasts it.
const PROBE_TIMEOUT_MS = 3_000;

const probe = async ({ deps, row }: UploadSession, connectionId: string): Promise<boolean> => {
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = { uploadId: uploadIdOf(row), epoch: Number(row.epoch) };
  const target = await targetOf(connection, deps.config, upload, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  try {
    if (await target.probe(upload.uploadId)) return true;
    await target.cleanUp();
    return false;
  } finally {
    await target.close();
  }
};

/** Whether a target has the rows. One that is away may have them, so the Stop waits; one that cannot be reached for good has no say. */
const hasTaken = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  try {
    return await probe(session, connectionId);
  } catch (thrown) {
    const error = toRunError(thrown);
    if (error.transient) throw error;
    const { deps, row } = session;
    deps.log.warn({ runId: row.runId, reason: error.reason }, 'a target could not be reached about a stopped upload');
    return false;
  }
};

/** Gives the upload up; false where a target has taken the rows, so that it has to be carried to its end. */
export const withdraw = async (session: UploadSession): Promise<boolean> => {
  const connectionIds = new Set(session.spec.plan?.uploads.map(({ connectionId }) => connectionId));
  for (const connectionId of connectionIds) if (await hasTaken(session, connectionId)) return false;
  try {
    await publish.abandon(session, 'STOPPED');
  } catch (error) {
    // Nothing was reserved.
    if (toRunError(error).reason !== 'VERSION_STATE') throw error;
  }
  return true;
};
