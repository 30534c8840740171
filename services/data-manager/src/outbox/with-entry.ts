// A short-lived engine over one entry's files.
import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { failpoint } from '@lethe/db/failpoint';
import { fail } from '@lethe/grpc/errors';
import { DELETED_STATES } from '../domain/entry.ts';
import { openEngine, type Engine } from '../engine/engine.ts';
import type { RunDeps } from '../deps.ts';
import { outboxFolder, removeFolder } from '../folders.ts';
import { findEntry } from '../store/entries.ts';
import type { EntryRow } from '../store/tables.ts';
import type { OpenEntry } from './overlay.ts';

const MEMORY_MB = 256;

/** Whether the rows of an entry have been deleted since it was read. */
const isGone = async (deps: RunDeps, { id }: EntryRow, folder: string): Promise<boolean> => {
  const now = await findEntry(deps.store.db, id);
  return !existsSync(folder) || now === undefined || DELETED_STATES.includes(now.state);
};

/** Runs work with an engine that sees the run's Outbox folder alone; its `scratch` goes with it. */
export const withEntry = async <R>(
  deps: RunDeps,
  entry: EntryRow,
  signal: AbortSignal,
  work: (open: OpenEntry) => Promise<R>,
): Promise<R> => {
  const folder = outboxFolder(deps.config, entry.runId);
  let scratch: string | undefined;
  let engine: Engine | undefined;
  const giveBack = await deps.callSlots.take(entry.groupId, signal);
  try {
    await failpoint('entry.open.before');
    scratch = await mkdtemp(join(folder, '.work-'));
    engine = await openEngine({ directory: folder, memoryMb: MEMORY_MB, threads: 1, signal });
    await failpoint('entry.open.after');
    return await work({ engine, folder, scratch });
  } catch (error) {
    // Whatever a work meets whose rows are deleted meanwhile: they are gone.
    if (await isGone(deps, entry, folder)) throw fail('ROWS_GONE', { entry_id: entry.id }, { cause: error });
    throw error;
  } finally {
    engine?.kill();
    giveBack();
    if (scratch !== undefined) await removeFolder(scratch);
  }
};
