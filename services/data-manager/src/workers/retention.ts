// Deletes prepared data whose time has passed: the tables say what is kept, and files that nothing keeps go.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { every, type Worker } from '@lethe/service/worker';
import { readdir } from 'node:fs/promises';
import type { RunDeps } from '../deps.ts';
import { invariant } from '../domain/defect.ts';
import { isRunFolder, makeFolder, outboxFolder, outboxRoot, removeFolder } from '../folders.ts';
import { transition } from '../run/transition.ts';
import { markExpired, markOldExpired, runsWithOldEntries } from '../store/entries.ts';
import { endedWithoutEntries, runsToExpire } from '../store/executions.ts';

const EVERY_MS = 1_000;

const expire = async (deps: RunDeps, runId: string): Promise<void> => {
  const endTime = deps.now();
  await transition(deps, {
    runId,
    epoch: undefined,
    action: 'expire',
    set: { state: RunState.EXPIRED, endTime, waitingFor: '' },
    write: async (tx, before) => {
      invariant(before.state === RunState.PREPARED, 'the run is not prepared any more');
      await markExpired(tx, runId, endTime);
    },
  });
};

/** Entries that outlived their run: kept by Stop, or uploaded. */
const expireEntries = async (deps: RunDeps): Promise<void> => {
  for (const runId of await runsWithOldEntries(deps.store.db, deps.now()))
    await transition(deps, {
      runId,
      epoch: undefined,
      action: 'expire-entries',
      set: {},
      write: (tx) => markOldExpired(tx, runId, deps.now()),
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
    for (const runId of await runsToExpire(deps.store.db, deps.now())) await expire(deps, runId);
    await expireEntries(deps);
    await removeFiles(deps);
  });
