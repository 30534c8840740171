// Holds a worker's lease while it works, and tells it when to let go: another desire, a lost lease, the end of the process.
import { type Desire, Progress, type RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { interrupts } from '../domain/execution.ts';
import { readDesire, renewLease, saveProgress } from '../store/executions.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { LeaseLost } from './transition.ts';

const LOOK_EVERY_MS = 300;

/** Somebody wants the run paused or stopped. */
export class Interrupted extends Error {
  constructor() {
    super('the run was interrupted by a command');
    this.name = 'Interrupted';
  }
}

/** The keeper of one execution; `signal` aborts with LeaseLost, Interrupted, or the reason of the outer signal. */
export type Keeper = {
  signal: AbortSignal;
  enter: (stage: RunState) => void;
  report: (progress: Partial<Progress>) => void;
  stop: () => Promise<void>;
};

const empty = (): Progress => Progress.decode(Buffer.alloc(0));

/** Starts to keep an execution. */
export const keep = (deps: RunDeps, row: ExecutionRow, outer: AbortSignal): Keeper => {
  const control = new AbortController();
  let renewedMs = Date.now();
  let state = row.state as RunState;
  let startMs = Date.now();
  let progress: Progress | undefined;
  let changed = false;
  const look = async (): Promise<void> => {
    const present = await readDesire(deps.store.db, row.runId);
    if (!present || present.epoch !== row.epoch) control.abort(new LeaseLost());
    else if (interrupts(present.desire as Desire, state)) control.abort(new Interrupted());
    if (Date.now() - renewedMs > deps.config.leaseMs / 3) {
      if (await renewLease(deps.store.db, row.runId, row.epoch, deps.config.leaseMs)) renewedMs = Date.now();
      else control.abort(new LeaseLost());
    }
    if (changed && progress) {
      changed = false;
      await saveProgress(deps.store.db, row.runId, row.epoch, Buffer.from(Progress.encode(progress).finish()));
    }
  };
  let looking: Promise<void> = Promise.resolve();
  let busy = false;
  const timer = setInterval(() => {
    // A worker that cannot renew ends its own work before the lease does.
    if (Date.now() - renewedMs > (deps.config.leaseMs * 2) / 3) control.abort(new LeaseLost());
    if (busy) return;
    busy = true;
    looking = look()
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  }, LOOK_EVERY_MS);
  const onEnd = (): void => control.abort(outer.reason);
  outer.addEventListener('abort', onEnd, { once: true });
  if (outer.aborted) onEnd();
  return {
    signal: control.signal,
    enter: (stage) => {
      state = stage;
      startMs = Date.now();
      progress = { ...empty(), stage, stageStartTime: new Date(startMs) };
      changed = true;
    },
    report: (values) => {
      const known = { ...(progress ?? empty()), ...values };
      const seconds = Math.max(0.001, (Date.now() - startMs) / 1000);
      const rowsPerSecond = Number(known.rowCount) / seconds;
      const left = Number(known.totalRowCount - known.rowCount);
      progress = {
        ...known,
        rowsPerSecond,
        remainingSeconds: left > 0 && rowsPerSecond > 0 ? BigInt(Math.ceil(left / rowsPerSecond)) : 0n,
      };
      changed = true;
    },
    stop: async () => {
      clearInterval(timer);
      outer.removeEventListener('abort', onEnd);
      await looking;
    },
  };
};
