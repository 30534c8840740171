// Holds the lease of an execution while a worker is at it.
import { renewLease } from '../store/executions.ts';
import type { ExecutionRow } from '../store/tables.ts';
import type { RunDeps } from '../deps.ts';
import { poll, type Poll } from './poll.ts';

/** Renews the lease in time; calls `onLost` when another worker has it, or when it could not be renewed while it was safe to go on. */
export const holdLease = (deps: RunDeps, { runId, epoch }: ExecutionRow, onLost: () => void): Poll => {
  const { leaseMs } = deps.config;
  // A worker that cannot renew ends its own work before the lease does.
  const arm = (): NodeJS.Timeout => setTimeout(onLost, (leaseMs * 2) / 3);
  let deadline = arm();
  const renewal = poll(deps, { what: 'renew the lease', everyMs: leaseMs / 3 }, async () => {
    if (!(await renewLease(deps.store.db, runId, epoch, leaseMs))) return onLost();
    clearTimeout(deadline);
    deadline = arm();
  });
  return {
    stop: async () => {
      await renewal.stop();
      clearTimeout(deadline);
    },
  };
};
