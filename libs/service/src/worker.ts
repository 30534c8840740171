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

/** Calls `wake` at each event until the function that it returns is called. */
export type Subscribe = (wake: () => void) => () => void;

/** What may end a pause before its time. */
type PauseOptions = { wakeOn?: Subscribe };

const never: Subscribe = () => () => {};

/**
 * A worker that runs `round` at its start and then with a pause of `intervalMs` after each; an event of `wakeOn` ends the pause, also one that came
 * during the round. A round that throws is logged by the error's name and code, never its text, and the next round tries again.
 */
export const every = (
  name: string,
  intervalMs: number,
  round: (signal: AbortSignal) => Promise<void>,
  { wakeOn = never }: PauseOptions = {},
): Worker => ({
  name,
  run: async (signal, log) => {
    while (!signal.aborted) {
      const pause = new AbortController();
      const wake = (): void => pause.abort();
      const unsubscribe = wakeOn(wake);
      signal.addEventListener('abort', wake, { once: true });
      try {
        await round(signal);
      } catch (error) {
        if (!signal.aborted) log.warn({ worker: name, error: describe(error) }, 'a round of a worker failed; the next one tries again');
      }
      await sleep(intervalMs, undefined, { signal: pause.signal }).catch(() => {});
      signal.removeEventListener('abort', wake);
      unsubscribe();
    }
  },
});
