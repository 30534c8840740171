// Deletes prepared data whose time has passed: the tables say what is kept, and files that nothing keeps go.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { every, type Worker } from '@lethe/service/worker';
import { readdir } from 'node:fs/promises';
import type { RunDeps } from '../deps.ts';
import { isRunFolder, makeFolder, outboxFolder, outboxRoot, removeFolder } from '../folders.ts';
import { transition } from '../run/transition.ts';

const EVERY_MS = 1_000;

const expire = async (deps: RunDeps, runId: string): Promise<void> => {
  await transition(deps.store, deps.now, {
    runId,
    epoch: undefined,
    action: 'expire',
    set: { state: RunState.EXPIRED, endTime: deps.now(), waitingFor: '' },
    also: async (tx, before) => {
      if (before.state !== RunState.PREPARED) throw new Error('the run is not prepared any more');
      await tx
        .updateTable('entries')
        .set({ state: 6, updateTime: deps.now() })
        .where('runId', '=', runId)
        .where('state', 'in', [1, 2])
        .execute();
    },
  });
};

const expireEntries = async (deps: RunDeps): Promise<void> => {
  // Entries that outlived their run: kept by Stop, or uploaded.
  const old = await deps.store.db
    .selectFrom('entries')
    .select('runId')
    .distinct()
    .where('expireTime', '<', deps.now())
    .where('state', 'in', [1, 2, 4])
    .execute();
  for (const { runId } of old) {
    const run = await deps.store.db.selectFrom('executions').select('state').where('runId', '=', runId).executeTakeFirst();
    if (run?.state !== RunState.STOPPED && run?.state !== RunState.UPLOADED) continue;
    await transition(deps.store, deps.now, {
      runId,
      epoch: undefined,
      action: 'expire-entries',
      set: {},
      also: async (tx) => {
        await tx
          .updateTable('entries')
          .set({ state: 6, updateTime: deps.now() })
          .where('runId', '=', runId)
          .where('expireTime', '<', deps.now())
          .execute();
      },
    });
  }
};

const KEPT = [Entry_State.READY, Entry_State.STALE, Entry_State.UPLOADING, Entry_State.UPLOADED];
const ENDED = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

/** Removes the files of ended runs without kept entries, those of runs that were interrupted between a commit and the removal too. */
const removeFiles = async (deps: RunDeps): Promise<void> => {
  const names = await readdir(await makeFolder(outboxRoot(deps.config)));
  const runIds = names.filter(isRunFolder);
  if (runIds.length === 0) return;
  const ended = await deps.store.db
    .selectFrom('executions')
    .select('runId')
    .where('runId', 'in', runIds)
    .where('state', 'in', ENDED)
    .where(({ not, exists, selectFrom }) =>
      not(exists(selectFrom('entries').select('id').whereRef('entries.runId', '=', 'executions.runId').where('entries.state', 'in', KEPT))),
    )
    .execute();
  for (const { runId } of ended) await removeFolder(outboxFolder(deps.config, runId));
};

/** The worker that lets prepared data go when its retention has passed; each time is an audit record. */
export const retentionWorker = (deps: RunDeps): Worker =>
  every('retention', EVERY_MS, async () => {
    const due = await deps.store.db
      .selectFrom('executions')
      .select('runId')
      .where('state', '=', RunState.PREPARED)
      .where('expireTime', '<', deps.now())
      .where('leaseOwner', 'is', null)
      .execute();
    for (const { runId } of due) await expire(deps, runId);
    await expireEntries(deps);
    await removeFiles(deps);
  });
