// What targets have of an upload, when it is stopped or refused: its version's number is given up only where none has taken the rows.
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { stageError, toRunError, type RunError } from '../domain/run-error.ts';
import { publishing } from './publishing.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';

// The lease outlasts it.
const PROBE_TIMEOUT_MS = 3_000;

const probe = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  const { deps, row } = session;
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = targetUpload(session, connectionId);
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

/** Whether a target has the rows. One that cannot be reached may have them only from the moment on that the upload was published anywhere. */
const hasRows = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  try {
    return await probe(session, connectionId);
  } catch (thrown) {
    const error = toRunError(thrown);
    const { deps, row } = session;
    if (row.publishing) throw error;
    deps.log.warn({ runId: row.runId, reason: error.reason }, 'a target could not be reached about an upload');
    return false;
  }
};

/** What targets have of an upload; where some have rows, it does not matter that others cannot tell. */
type Left = { is: 'nothing' } | { is: 'rows' } | { is: 'unknown'; error: RunError };

const whatIsLeft = async (session: UploadSession): Promise<Left> => {
  let unknown: Left | undefined;
  for (const connectionId of connectionsOf(session)) {
    try {
      if (await hasRows(session, connectionId)) return { is: 'rows' };
    } catch (thrown) {
      const error = toRunError(thrown);
      session.deps.log.warn({ runId: session.row.runId, reason: error.reason }, 'a target cannot say whether it has the rows');
      unknown ??= { is: 'unknown', error };
    }
  }
  return unknown ?? { is: 'nothing' };
};

/** Whether any target has the rows, or cannot say that it has not. */
export const mayHaveRows = async (session: UploadSession): Promise<boolean> => (await whatIsLeft(session)).is !== 'nothing';

/** Gives the upload up where nothing is left of it. Where a target has taken the rows, it has to be completed. */
export const withdraw = async (session: UploadSession): Promise<Left> => {
  const left = await whatIsLeft(session);
  session.signal.throwIfAborted();
  if (left.is === 'nothing') await publishing.abandonReserved(session, 'STOPPED');
  return left;
};

/** Gives an upload up of which somebody said that the targets which cannot tell do not have its rows. */
export const giveUp = async (session: UploadSession): Promise<void> => {
  const left = await whatIsLeft(session);
  session.signal.throwIfAborted();
  if (left.is === 'rows') throw stageError('UPLOAD_IS_TAKEN');
  await publishing.abandonReserved(session, 'RESOLVED');
};
