// Takes executions as long as there is room, and works on them.
import type { Store } from '@lethe/db/open';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunDeps } from '../deps.ts';
import { execute } from '../run/execute.ts';
import { logged } from '../run/failure.ts';
import { claim } from '../store/executions.ts';
import type { Tables } from '../store/tables.ts';

const LOOK_EVERY_MS = 500;

/** Resolves when something was committed in this process, or after a while: other processes and expired leases are found by looking. */
const nextLook = (store: Store<Tables>, signal: AbortSignal): Promise<unknown> => {
  const committed = Promise.withResolvers<void>();
  const unsubscribe = store.onCommit(() => committed.resolve());
  return Promise.race([committed.promise, sleep(LOOK_EVERY_MS, undefined, { signal }).catch(() => {})]).finally(unsubscribe);
};

/** The worker that executes runs. */
export const claimWorker =
  (deps: RunDeps) =>
  async (signal: AbortSignal): Promise<void> => {
    const owner = randomUUID();
    const running = new Set<Promise<void>>();
    while (!signal.aborted) {
      const waiting = nextLook(deps.store, signal);
      try {
        const row = running.size < deps.config.maxRuns ? await claim(deps.store.db, owner, deps.config.leaseMs) : undefined;
        if (row) {
          const turn: Promise<void> = execute(deps, row, signal)
            .catch((error: unknown) =>
              deps.log.warn({ worker: 'claim', runId: row.runId, ...logged(error) }, 'a turn ended early; the next one goes on'),
            )
            .finally(() => running.delete(turn));
          running.add(turn);
          continue;
        }
      } catch (error) {
        deps.log.warn({ worker: 'claim', ...logged(error) }, 'no run could be taken; tried again');
      }
      await waiting;
    }
    await Promise.allSettled(running);
  };
