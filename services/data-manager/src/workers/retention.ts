// Deletes prepared data whose time has passed: the tables say what is kept, and files that nothing keeps go.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { every, type Worker } from '@lethe/service/worker';
import { readdir } from 'node:fs/promises';
import type { RunDeps } from '../deps.ts';
import { isRunFolder, makeFolder, outboxFolder, outboxRoot, removeFolder } from '../folders.ts';
import { transition, type Transition } from '../run/transition.ts';
import { markExpired, markOldExpired, runsWithOldEntries } from '../store/entries.ts';
import { endedWithoutEntries, runsToExpire } from '../store/executions.ts';
import { deleteOldMissingLeaves } from '../store/missing-leaves.ts';
import type { ExecutionRow } from '../store/tables.ts';

const EVERY_MS = 1_000;

/** Somebody has confirmed the upload meanwhile, or a worker has the run. */
class StillWanted extends Error {
  override name = 'StillWanted';
}

const isWanted = ({ desire, desireRevision, reachedRevision, leaseUntil }: ExecutionRow, now: Date): boolean =>
  (desire === Desire.UPLOAD && reachedRevision < desireRevision) || (leaseUntil !== null && leaseUntil > now);

/** Changes a run whose time has passed, unless it is wanted after all. */
const expireUnlessWanted = async (deps: RunDeps, change: Transition): Promise<void> => {
  const write: Transition['write'] = async (tx, before) => {
    if (isWanted(before, deps.now())) throw new StillWanted();
    await change.write?.(tx, before);
  };
  try {
    await transition(deps, { ...change, write });
  } catch (error) {
    if (!(error instanceof StillWanted)) throw error;
  }
};

const expire = async (deps: RunDeps, runId: string): Promise<void> => {
  const endTime = deps.now();
  await expireUnlessWanted(deps, {
    runId,
    epoch: undefined,
    action: 'expire',
    set: { state: RunState.EXPIRED, endTime, waitingFor: '' },
    write: async (tx, before) => {
      if (before.state !== RunState.PREPARED) throw new StillWanted();
      await markExpired(tx, runId, endTime);
    },
  });
};

/** Entries that outlived their run: kept by Stop, or uploaded. */
const expireEntries = async (deps: RunDeps, before: Date): Promise<void> => {
  for (const runId of await runsWithOldEntries(deps.store.db, before))
    await expireUnlessWanted(deps, {
      runId,
      epoch: undefined,
      action: 'expire-entries',
      set: {},
      write: async (tx, { state }) => {
        if (state !== RunState.STOPPED && state !== RunState.UPLOADED) throw new StillWanted();
        await markOldExpired(tx, runId, { before, now: deps.now() });
      },
    });
};

/** Removes the files of ended runs without kept entries, those of runs that were interrupted between a commit and the removal too. */
const removeFiles = async (deps: RunDeps): Promise<void> => {
  const names = await readdir(await makeFolder(outboxRoot(deps.config)));
  for (const runId of await endedWithoutEntries(deps.store.db, names.filter(isRunFolder)))
    await removeFolder(outboxFolder(deps.config, runId));
};

/** The worker that lets prepared data go when its retention has passed; each time is an audit record. */
export const retentionWorker = (deps: RunDeps): Worker =>
  every('retention', EVERY_MS, async () => {
    // An upload that was confirmed in time may still be on its way here.
    const before = new Date(deps.now().getTime() - deps.config.expiryGraceMs);
    for (const runId of await runsToExpire(deps.store.db, before)) await expire(deps, runId);
    await expireEntries(deps, before);
    await deleteOldMissingLeaves(deps.store.db, new Date(deps.now().getTime() - deps.config.retentionMs));
    await removeFiles(deps);
  });
