// Raw data dies with its run: folders without a live run are removed, at the start and every few minutes.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { readdir, stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { makeFolder, removeFolder } from '../run/folders.ts';
import type { RunDeps } from '../run/deps.ts';

const EVERY_MS = 300_000;
const MAX_AGE_MS = 24 * 3_600_000;
const OVER = new Set<number>([RunState.PREPARED, RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED]);

const sweep = async (deps: RunDeps): Promise<void> => {
  const folder = await makeFolder(join(deps.config.dataFolder, 'runs'));
  for (const runId of await readdir(folder)) {
    const run = await deps.store.db
      .selectFrom('executions')
      .select('state')
      .where('runId', '=', runId)
      .executeTakeFirst()
      .catch(() => undefined);
    const ageMs = Date.now() - (await stat(join(folder, runId))).mtimeMs;
    // The folder of a run between its commit and its removal is over as well.
    if (!run || OVER.has(run.state) || ageMs > MAX_AGE_MS) await removeFolder(join(folder, runId));
  }
};

/** The worker that removes raw data nobody needs. */
export const janitorWorker =
  (deps: RunDeps) =>
  async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        await sweep(deps);
      } catch (error) {
        deps.log.warn({ worker: 'janitor', error: error instanceof Error ? error.name : '' }, 'the janitor tries again later');
      }
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  };
