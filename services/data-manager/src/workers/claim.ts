// Takes executions as long as there is room, and works on them.
import { every, type Worker } from '@lethe/service/worker';
import { randomUUID } from 'node:crypto';
import type { RunDeps } from '../deps.ts';
import { execute } from '../run/execute.ts';
import { logged } from '../run/failure.ts';
import { claim } from '../store/executions.ts';

// Other processes' commits and expired leases are found by looking.
const LOOK_EVERY_MS = 500;

/** The worker that executes runs. It ends when the turns that it began have ended. */
export const claimWorker = (deps: RunDeps): Worker => {
  const owner = randomUUID();
  const turns = new Set<Promise<void>>();
  const claimAll = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted && turns.size < deps.config.maxRuns) {
      const row = await claim(deps.store.db, owner, deps.config.leaseMs);
      if (!row) return;
      const turn: Promise<void> = execute(deps, row, signal)
        .catch((error: unknown) =>
          deps.log.warn({ worker: 'claim', runId: row.runId, ...logged(error) }, 'a turn ended early; the next one goes on'),
        )
        .finally(() => turns.delete(turn));
      turns.add(turn);
    }
  };
  const { name, run } = every('claim', LOOK_EVERY_MS, claimAll, { wakeOn: deps.store.onCommit });
  return {
    name,
    run: async (signal, log) => {
      await run(signal, log);
      await Promise.allSettled(turns);
    },
  };
};
