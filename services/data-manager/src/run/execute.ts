// One claimed execution: does what is desired of it, as far as it gets.
import { Desire, RunState, UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { isUploading, isWorking, stateName } from '@lethe/contracts/run-state';
import type { RunDeps } from '../deps.ts';
import { defect } from '../domain/defect.ts';
import { backoffMs, isLeftToPerson, MAX_WORKER_DEATHS } from '../domain/execution.ts';
import { stageError, toRunError, type RunError } from '../domain/run-error.ts';
import { EngineError } from '../engine/engine-error.ts';
import { outboxFolder, removeFolder, runFolder } from '../folders.ts';
import { countKeptEntries, markDeleted, restoreUploading } from '../store/entries.ts';
import { deleteMissingLeaves } from '../store/missing-leaves.ts';
import { countSurvivor } from '../store/executions.ts';
import type { ClaimedExecution, ExecutionRow } from '../store/tables.ts';
import { upload } from '../upload/upload.ts';
import { giveUp, withdraw } from '../upload/withdraw.ts';
import { isOwnDatabaseAway, logged } from './failure.ts';
import { prepare } from './prepare.ts';
import { Interrupted, Session } from './session.ts';
import { LeaseLost } from './transition.ts';

const pause = (session: Session): Promise<void> =>
  session.change('pause', {
    state: RunState.PAUSED,
    resumeState: session.row.state,
    reachedRevision: session.row.desireRevision,
    waitingFor: '',
    nextAttemptTime: null,
  });

/** Until when rows are kept that an upload gives back: somebody has to decide on them anew, however long the upload took. */
const keptUntil = ({ deps, row }: Session): Date => {
  const decision = new Date(deps.now().getTime() + deps.config.decisionMs);
  return row.expireTime !== null && row.expireTime > decision ? row.expireTime : decision;
};

const stop = async (session: Session): Promise<void> => {
  const { deps, row } = session;
  const endTime = row.endTime ?? deps.now();
  const report = session.reportAt({ rowCount: 0 });
  const expireTime = isUploading(row.state) ? keptUntil(session) : row.expireTime;
  const set = {
    state: RunState.STOPPED,
    report,
    reachedRevision: row.desireRevision,
    waitingFor: '',
    nextAttemptTime: null,
    endTime,
    expireTime,
  };
  await session.change('stop', set, {
    write: async (tx) => {
      if (row.deleteEntries) {
        await markDeleted(tx, row.runId, deps.now());
        await deleteMissingLeaves(tx, row.runId);
      } else if (expireTime !== null) await restoreUploading(tx, row.runId, { now: deps.now(), expireTime });
    },
  });
  await removeFolder(runFolder(deps.config, row.runId));
  if (row.deleteEntries) await removeFolder(outboxFolder(deps.config, row.runId));
};

const retryLater = (session: Session, error: RunError): Promise<void> => {
  const { attempt } = session.row;
  const nextAttemptTime = new Date(session.deps.now().getTime() + backoffMs(attempt));
  // A turn that came to an end has held its lease.
  const set = { attempt: attempt + 1, nextAttemptTime, waitingFor: error.told, lostLeaseCount: 0, workerDeathCount: 0 };
  return session.change('retry', set, { failure: error });
};

const endFailed = async (session: Session, error: RunError): Promise<void> => {
  const { deps, row } = session;
  const set = {
    state: RunState.FAILED,
    report: session.reportAt({ rowCount: 0 }),
    error: error.told,
    waitingFor: '',
    nextAttemptTime: null,
    endTime: deps.now(),
    reachedRevision: row.desireRevision,
  };
  await session.change('fail', set, { failure: error });
  await removeFolder(runFolder(deps.config, row.runId));
};

const refuseUpload = (session: Session, error: RunError): Promise<void> => {
  const { deps, row } = session;
  const expireTime = keptUntil(session);
  const set = {
    state: RunState.PREPARED,
    expireTime,
    report: session.reportAt({ rowCount: 0 }),
    refusal: error.told,
    reachedRevision: row.desireRevision,
    waitingFor: '',
    nextAttemptTime: null,
    endTime: null,
    uploadGeneration: row.uploadGeneration + 1,
    publishing: false,
    uploadOutcome: UploadOutcome.UNSPECIFIED,
  };
  return session.change('refuse-upload', set, {
    failure: error,
    write: (tx) => restoreUploading(tx, row.runId, { now: deps.now(), expireTime }),
  });
};

/** Nobody here can tell whether the targets have the rows: a person says so (ResolveUpload), or has them asked again (Resume). */
const leaveUnknown = (session: Session, error: RunError): Promise<void> => {
  const set = {
    state: RunState.UPLOAD_UNKNOWN,
    reachedRevision: session.row.desireRevision,
    waitingFor: error.told,
    nextAttemptTime: null,
  };
  return session.change('upload/unknown', set, { failure: error });
};

/** A statement of Lethe's own that the engine refuses is a defect: nobody can correct it. */
const asDefect = (error: RunError): RunError => {
  const isOwn = error instanceof EngineError && !error.isOfScript && (error.code === 'ENGINE_SQL' || error.code === 'ENGINE_REFUSED');
  return isOwn ? stageError('INTERNAL', {}, error).locate(error.place) : error;
};

const logFailure = (deps: RunDeps, row: ExecutionRow, error: RunError): void => {
  const facts = { runId: row.runId, stage: stateName(row.state), reason: error.reason, attempt: row.attempt };
  if (error.reason === 'INTERNAL') deps.log.error({ ...facts, ...logged(error.cause) }, 'a step failed by a defect');
  else deps.log.info({ ...facts, ...(error.cause === undefined ? {} : logged(error.cause)) }, 'a step failed');
};

/** Decides what follows from what a turn threw: nothing, another try, or an end. */
const settle = async (session: Session, thrown: unknown): Promise<void> => {
  if (thrown instanceof Interrupted) return;
  if (thrown instanceof LeaseLost) {
    session.deps.log.warn({ runId: session.row.runId, epoch: Number(session.row.epoch) }, 'this worker lost the run and ends its turn');
    return countSurvivor(session.deps.store.db, session.row);
  }
  // Nothing can be written down now, and nothing is wrong with the run: the turn ends, and the next one goes on.
  if (isOwnDatabaseAway(thrown)) throw thrown;
  const { deps, row } = session;
  const error = asDefect(toRunError(thrown));
  logFailure(deps, row, error);
  // An upload is never given up for a target that is away: what it has taken in is known only when it is back.
  const uploading = row.desire === Desire.UPLOAD || isUploading(row.state);
  const mayRetry = uploading || row.attempt < deps.config.maxAttempts;
  // Where a target may have the rows, nothing is given up: the run waits for what stands in the way, and tries again.
  if (row.publishing && isLeftToPerson(row, error)) await leaveUnknown(session, error);
  else if ((error.transient && mayRetry) || row.publishing) await retryLater(session, error);
  else if (row.desire === Desire.UPLOAD) await refuseUpload(session, error);
  else await endFailed(session, error);
};

const stopUpload = async (session: Session): Promise<void> => {
  const left = await withdraw(session);
  if (left.is === 'nothing') await stop(session);
  else if (left.is === 'unknown') await leaveUnknown(session, left.error);
  else await session.change('upload/verify', { state: RunState.VERIFYING, nextAttemptTime: null });
};

const resolveUpload = async (session: Session): Promise<void> => {
  if (session.row.uploadOutcome !== UploadOutcome.NOT_TAKEN) return upload(session);
  await giveUp(session);
  await refuseUpload(session, stageError('UPLOAD_NOT_TAKEN'));
};

const followDesire = async (session: Session): Promise<void> => {
  const { desire, state } = session.row;
  switch (desire) {
    case Desire.PAUSE:
      if (isWorking(state)) await pause(session);
      return;
    case Desire.STOP:
      if (state === RunState.VERIFYING) await upload(session);
      else if (state === RunState.UPLOADING) await stopUpload(session);
      else await stop(session);
      return;
    case Desire.UPLOAD:
      if (state === RunState.STOPPED && (await countKeptEntries(session.deps.store.db, session.row.runId)) === 0) await stop(session);
      else await resolveUpload(session);
      return;
    case Desire.RUN:
      await prepare(session);
      return;
    case Desire.UNSPECIFIED:
      throw defect('the execution desires nothing');
  }
};

/** Ends what killed its workers, one after the other. Pausing and stopping it does nothing with its data. */
const refuseDeadly = ({ workerDeathCount, desire }: ExecutionRow): void => {
  if (workerDeathCount >= MAX_WORKER_DEATHS && (desire === Desire.RUN || desire === Desire.UPLOAD))
    throw stageError('WORKER_DIED', { count: workerDeathCount });
};

/** Says that a worker was lost, for as long as its stage is done again. */
const tellLost = async (session: Session): Promise<void> => {
  const { deps, row } = session;
  const error = stageError('LEASE_LOST', { count: row.lostLeaseCount });
  deps.log.warn(
    { runId: row.runId, stage: stateName(row.state), epoch: Number(row.epoch), count: row.lostLeaseCount },
    'a worker of the run was lost',
  );
  await session.change('lease-lost', { waitingFor: error.told }, { failure: error });
};

/** Works on a claimed execution until it is where it should be, is interrupted, or fails; then gives the lease back. */
export const execute = async (deps: RunDeps, { wasLost, ...claimed }: ClaimedExecution, signal: AbortSignal): Promise<void> => {
  const session = new Session(deps, claimed, signal);
  try {
    if (wasLost) {
      refuseDeadly(session.row);
      await tellLost(session);
    }
    await followDesire(session);
  } catch (error) {
    // At shutdown nothing is decided: the lease is given back, and the next worker goes on.
    if (signal.aborted) return;
    // An abort comes up as whatever was under way; its reason says what it was.
    await settle(session, session.signal.aborted ? session.signal.reason : error);
  } finally {
    await session.close();
  }
};
