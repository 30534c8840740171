// A short-lived engine over one entry's files.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { fail } from '@lethe/grpc/errors';
import { openEngine, type Engine } from '../engine/engine.ts';
import type { RunDeps } from '../deps.ts';
import { outboxFolder, removeFolder } from '../folders.ts';
import type { EntryRow } from '../store/tables.ts';
import type { OpenEntry } from './overlay.ts';

const MEMORY_MB = 256;

/** Runs work with an engine that sees the run's Outbox folder alone; its `scratch` goes with it. */
export const withEntry = async <R>(
  deps: RunDeps,
  entry: EntryRow,
  signal: AbortSignal,
  work: (open: OpenEntry) => Promise<R>,
): Promise<R> => {
  const folder = outboxFolder(deps.config, entry.runId);
  if (!existsSync(folder)) throw fail('ROWS_GONE', { entry_id: entry.id });
  const scratch = await mkdtemp(join(folder, '.work-'));
  let engine: Engine | undefined;
  try {
    engine = await openEngine({ directory: folder, memoryMb: MEMORY_MB, threads: 1, signal });
    return await work({ engine, folder, scratch });
  } finally {
    engine?.kill();
    await removeFolder(scratch);
  }
};
