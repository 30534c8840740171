// Loops beside the calls.
import type { Logger } from 'pino';
import { setTimeout as sleep } from 'node:timers/promises';

/** A loop that ends when `signal` aborts. */
export type Worker = { name: string; run: (signal: AbortSignal, log: Logger) => Promise<void> };

const describe = (error: unknown): string => {
  if (!(error instanceof Error)) return typeof error;
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? `${error.name} ${code}` : error.name;
};

/**
 * A worker that does `work` at its start and then with a pause of `intervalMs` after each round. A round that throws is logged by the error's name
 * and code, never its text, and the next round tries again.
 */
export const every = (name: string, intervalMs: number, work: (signal: AbortSignal) => Promise<void>): Worker => ({
  name,
  run: async (signal, log) => {
    while (!signal.aborted) {
      try {
        await work(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ worker: name, error: describe(error) }, 'a round of a worker failed; the next one tries again');
      }
      await sleep(intervalMs, undefined, { signal }).catch(() => {});
    }
  },
});
