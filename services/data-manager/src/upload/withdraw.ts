// What targets have of an upload, when it is stopped or refused: its version's number is given up only where none has taken the rows.
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { toRunError } from '../domain/run-error.ts';
import { publish } from './publish.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';

// The lease outlasts it.
const PROBE_TIMEOUT_MS = 3_000;

const probe = async ({ deps, row }: UploadSession, connectionId: string): Promise<boolean> => {
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = targetUpload(row, connectionId);
  const target = await targetOf(connection, deps.config, upload, AbortSignal.timeout(PROBE_TIMEOUT_MS));
  try {
    if (await target.probe(upload.uploadId)) return true;
    await target.cleanUp();
    return false;
  } finally {
    await target.close();
  }
};

const connectionsOf = ({ spec }: UploadSession): Set<string> => new Set(spec.plan?.uploads.map(({ connectionId }) => connectionId));

/** Whether a target has the rows. One that cannot be reached may have them from the moment on that the upload was published anywhere. */
const hasRows = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  try {
    return await probe(session, connectionId);
  } catch (thrown) {
    const error = toRunError(thrown);
    const { deps, row } = session;
    if (error.transient || row.publishing) throw error;
    deps.log.warn({ runId: row.runId, reason: error.reason }, 'a target could not be reached about an upload');
    return false;
  }
};

/** Whether any target has the rows, or cannot say that it has not. */
export const mayHaveRows = async (session: UploadSession): Promise<boolean> => {
  for (const connectionId of connectionsOf(session)) {
    try {
      if (await hasRows(session, connectionId)) return true;
    } catch (error) {
      session.deps.log.warn({ runId: session.row.runId, reason: toRunError(error).reason }, 'a target cannot say whether it has the rows');
      return true;
    }
  }
  return false;
};

/** Gives the upload up; false where a target has taken the rows, so that it has to be completed. */
export const withdraw = async (session: UploadSession): Promise<boolean> => {
  for (const connectionId of connectionsOf(session)) if (await hasRows(session, connectionId)) return false;
  await publish.abandonReserved(session, 'STOPPED');
  return true;
};
