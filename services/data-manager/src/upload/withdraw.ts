// What targets have of an upload, when it is stopped or refused: its version's number is given up only where none has taken the rows.
import { placeOf } from '../connectors/connector.ts';
import { targetOf } from '../connectors/index.ts';
import { resolveConnection } from '../connectors/resolve.ts';
import { stageError, toRunError, type RunError, type RunPlace } from '../domain/run-error.ts';
import { publishing } from './publishing.ts';
import { targetUpload, type UploadSession } from './upload-session.ts';

/** Somebody waits for the Stop: a target that says nothing for so long is told. */
export const PROBE_LIMITS = { timeoutMs: 20_000 };

/** Ends what a target is asked after a while: some of it, like a file system that hangs, cannot be interrupted. */
const inTime = async <R>(session: UploadSession, place: RunPlace, work: (signal: AbortSignal) => Promise<R>): Promise<R> => {
  const { timeoutMs } = PROBE_LIMITS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([session.signal, timeout]);
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    const facts = { activity: 'Looking the upload up at the target', seconds: Math.round(timeoutMs / 1000) };
    reject(session.signal.aborted ? session.signal.reason : stageError('TARGET_SILENT', facts).locate(place));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    return await Promise.race([ended, work(signal)]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
};

const probe = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  const { deps, row } = session;
  const connection = await resolveConnection(deps, row, { connectionId, write: true });
  const upload = targetUpload(session, connectionId);
  return inTime(session, placeOf(connection), async (signal) => {
    const target = await targetOf(connection, deps.config, upload, signal);
    try {
      // What was begun is seen by readers in part: it is completed.
      if (await target.probe(upload.uploadId)) return true;
      await target.cleanUp();
      return false;
    } finally {
      await target.close();
    }
  });
};

const connectionsOf = ({ spec }: UploadSession): Set<string> => new Set(spec.plan?.uploads.map(({ connectionId }) => connectionId));

/** Whether a target has the rows. One that cannot be reached may have them only from the moment on that the upload was published anywhere. */
const hasRows = async (session: UploadSession, connectionId: string): Promise<boolean> => {
  try {
    return await probe(session, connectionId);
  } catch (thrown) {
    session.signal.throwIfAborted();
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
      session.signal.throwIfAborted();
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
