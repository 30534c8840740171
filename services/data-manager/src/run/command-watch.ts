// Looks whether somebody wants a run paused or stopped while a worker is at it.
import { interrupts } from '../domain/execution.ts';
import { readDesire } from '../store/executions.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { poll, type Poll } from './poll.ts';

const LOOK_EVERY_MS = 300;

/**
 * Calls `onInterrupt` when a command that came after the execution was claimed interrupts the state that the run is in, and `onLost` when another worker
 * has the execution. What the turn itself carries out does not interrupt it.
 */
export const watchCommands = (
  deps: RunDeps,
  { desireRevision: claimedRevision }: ExecutionRow,
  current: () => ExecutionRow,
  { onInterrupt, onLost }: { onInterrupt: () => void; onLost: () => void },
): Poll =>
  poll(deps, { what: 'read the desire', everyMs: LOOK_EVERY_MS }, async () => {
    const { runId, epoch } = current();
    const present = await readDesire(deps.store.db, runId);
    if (!present || present.epoch !== epoch) onLost();
    else if (present.desireRevision > claimedRevision && interrupts(present.desire, current().state)) onInterrupt();
  });
