// One claimed execution: does what is desired of it, as far as it gets.
import { Desire, ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { AppError } from '@lethe/grpc/errors';
import { backoffMs, isUploading, isWorking, stateName } from '../domain/execution.ts';
import { releaseLease } from '../store/executions.ts';
import type { ExecutionRow, Tables } from '../store/tables.ts';
import { sql, type Transaction } from 'kysely';
import type { RunDeps } from '../deps.ts';
import { RunFailure, toFailure } from './failure.ts';
import { outboxFolder, removeFolder, runFolder } from '../folders.ts';
import { Interrupted, keep, type Keeper } from './keeper.ts';
import { prepare } from './prepare.ts';
import { LeaseLost, transition, type Transition } from './transition.ts';
import { upload } from '../upload/upload.ts';
import { withdraw } from '../upload/withdraw.ts';

const change = (
  deps: RunDeps,
  row: ExecutionRow,
  action: string,
  set: Transition['set'],
  more: Partial<Transition> = {},
): Promise<ExecutionRow> => transition(deps.store, deps.now, { runId: row.runId, epoch: row.epoch, action, set, ...more });

const pause = async (deps: RunDeps, row: ExecutionRow): Promise<void> => {
  await change(deps, row, 'pause', {
    state: RunState.PAUSED,
    resumeState: row.state,
    reachedRevision: row.desireRevision,
    waitingFor: '',
    nextAttemptTime: null,
  });
};

/** Entries that an upload had are as they were before it. */
const takeBack = async (tx: Transaction<Tables>, deps: RunDeps, runId: string): Promise<void> => {
  const state = sql<number>`case when edited_row_count = 0 then ${Entry_State.READY}::int else ${Entry_State.STALE}::int end`;
  await tx
    .updateTable('entries')
    .set({ state, updateTime: deps.now() })
    .where('runId', '=', runId)
    .where('state', '=', Entry_State.UPLOADING)
    .execute();
};

const stop = async (deps: RunDeps, row: ExecutionRow): Promise<void> => {
  const set = { state: RunState.STOPPED, reachedRevision: row.desireRevision, waitingFor: '', nextAttemptTime: null, endTime: deps.now() };
  await change(deps, row, 'stop', set, {
    also: async (tx) => {
      if (row.deleteEntries)
        await tx
          .updateTable('entries')
          .set({ state: 5, updateTime: deps.now() })
          .where('runId', '=', row.runId)
          .where('state', 'in', [1, 2, 3])
          .execute();
      else await takeBack(tx, deps, row.runId);
    },
  });
  await removeFolder(runFolder(deps.config, row.runId));
  if (row.deleteEntries) await removeFolder(outboxFolder(deps.config, row.runId));
};

const retryLater = async (deps: RunDeps, row: ExecutionRow, failure: RunFailure): Promise<void> => {
  const attempt = row.attempt + 1;
  const nextAttemptTime = new Date(deps.now().getTime() + backoffMs(row.attempt));
  await change(
    deps,
    row,
    'retry',
    { attempt, nextAttemptTime, waitingFor: failure.message },
    { outcome: Outcome.FAILED, reason: failure.code },
  );
};

const endFailed = async (deps: RunDeps, row: ExecutionRow, failure: RunFailure): Promise<void> => {
  deps.log.warn({ runId: row.runId, state: stateName(row.state as RunState), reason: failure.code }, 'run failed');
  await change(
    deps,
    row,
    'fail',
    {
      state: RunState.FAILED,
      error: failure.message,
      waitingFor: '',
      nextAttemptTime: null,
      endTime: deps.now(),
      reachedRevision: row.desireRevision,
    },
    { outcome: Outcome.FAILED, reason: failure.code },
  );
  await removeFolder(runFolder(deps.config, row.runId));
};

const refuseUpload = async (deps: RunDeps, row: ExecutionRow, failure: RunFailure): Promise<void> => {
  const set = {
    state: RunState.PREPARED,
    refusal: failure.message,
    reachedRevision: row.desireRevision,
    waitingFor: '',
    nextAttemptTime: null,
    uploadGeneration: row.uploadGeneration + 1,
  };
  await change(deps, row, 'refuse-upload', set, {
    outcome: Outcome.FAILED,
    reason: failure.code,
    also: async (tx) => {
      await takeBack(tx, deps, row.runId);
    },
  });
};

const settle = async (deps: RunDeps, row: ExecutionRow, thrown: unknown): Promise<void> => {
  if (thrown instanceof LeaseLost || thrown instanceof Interrupted) return;
  // A database that is away ends this turn; the lease runs out and the next worker goes on.
  if (thrown instanceof AppError) throw thrown;
  const failure = toFailure(thrown);
  deps.log.info(
    {
      runId: row.runId,
      stage: stateName(row.state as RunState),
      reason: failure.code,
      attempt: row.attempt,
      error: failure.cause instanceof Error ? failure.cause.name : '',
    },
    'stage failed',
  );
  // An upload is never given up for a target that is away: what it has taken in is known only when it is back.
  const uploading = row.desire === Desire.UPLOAD || isUploading(row.state as RunState);
  const mayRetry = uploading || row.attempt < deps.config.maxAttempts;
  if (failure.transient && mayRetry) await retryLater(deps, row, failure);
  else if (row.desire === Desire.UPLOAD) await refuseUpload(deps, row, failure);
  else await endFailed(deps, row, failure);
};

const work = async (
  deps: RunDeps,
  row: ExecutionRow,
  spec: ExecutionSpec,
  keeper: Keeper,
  advance: (row: ExecutionRow) => void,
): Promise<void> => {
  switch (row.desire as Desire) {
    case Desire.PAUSE:
      if (isWorking(row.state as RunState)) await pause(deps, row);
      return;
    case Desire.STOP:
      if (row.state === RunState.VERIFYING) await upload(deps, row, spec, keeper, advance);
      else if (row.state !== RunState.UPLOADING || (await withdraw(deps, row, spec))) await stop(deps, row);
      else await change(deps, row, 'upload/verify', { state: RunState.VERIFYING, nextAttemptTime: null });
      return;
    case Desire.UPLOAD:
      await upload(deps, row, spec, keeper, advance);
      return;
    case Desire.RUN:
      await prepare(deps, row, spec, keeper, advance);
      return;
    case Desire.UNSPECIFIED:
      throw new RunFailure('INTERNAL', 'the execution desires nothing', {});
  }
};

/** Works on a claimed execution until it is where it should be, is interrupted, or fails; then gives the lease back. */
export const execute = async (deps: RunDeps, claimed: ExecutionRow, signal: AbortSignal): Promise<void> => {
  const keeper = keep(deps, claimed, signal);
  let row = claimed;
  try {
    await work(deps, row, ExecutionSpec.decode(row.spec), keeper, (next) => {
      row = next;
    });
  } catch (error) {
    // An abort comes up as whatever was under way; its reason says what it was.
    await settle(deps, row, keeper.signal.aborted ? keeper.signal.reason : error);
  } finally {
    await keeper.stop();
    await releaseLease(deps.store.db, row.runId, row.epoch).catch(() => {});
  }
};
