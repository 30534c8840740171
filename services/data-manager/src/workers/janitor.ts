// Removes the folders of raw data whose runs are over, at the start and every few minutes.
import { every, type Worker } from '@lethe/service/worker';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunFolder, makeFolder, removeFolder } from '../folders.ts';
import type { RunDeps } from '../deps.ts';
import { hasRawData } from '../domain/execution.ts';
import { findWork } from '../store/executions.ts';

const EVERY_MS = 300_000;
const MAX_AGE_MS = 24 * 3_600_000;

const isNeeded = async (deps: RunDeps, folder: string, name: string): Promise<boolean> => {
  if (!isRunFolder(name)) return false;
  // A database that is away says nothing about the run: the error ends the sweep, and the folder stays.
  const found = await findWork(deps.store.db, name, MAX_AGE_MS);
  // The folder of a run between its commit and its removal is over as well.
  return found !== undefined && hasRawData(found.state) && (found.isHeld || !found.isOld);
};

const sweep = async (deps: RunDeps): Promise<void> => {
  const folder = await makeFolder(join(deps.config.dataFolder, 'runs'));
  for (const name of await readdir(folder)) if (!(await isNeeded(deps, folder, name))) await removeFolder(join(folder, name));
};

/** The worker that removes raw data nobody needs. */
export const janitorWorker = (deps: RunDeps): Worker => every('janitor', EVERY_MS, () => sweep(deps));
