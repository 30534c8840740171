// Looks at an execution while a worker is at it.
import { codeOf } from '../domain/error-code.ts';
import type { RunDeps } from '../deps.ts';

/** A function that runs again and again. */
export type Poll = { stop: () => Promise<void> };

/** Runs `look` every `everyMs`, never twice at once. After an error the next look tries again; the first of a row of errors is logged with its code. */
export const poll = (
  { log }: Pick<RunDeps, 'log'>,
  { what, everyMs }: { what: string; everyMs: number },
  look: () => Promise<void>,
): Poll => {
  let current: Promise<void> | undefined;
  let isFailing = false;
  const lookOnce = async (): Promise<void> => {
    try {
      await look();
      isFailing = false;
    } catch (error) {
      if (!isFailing) log.warn({ what, code: codeOf(error) }, 'a look at a run failed; it is repeated');
      isFailing = true;
    } finally {
      current = undefined;
    }
  };
  const timer = setInterval(() => {
    current ??= lookOnce();
  }, everyMs);
  return {
    stop: async () => {
      clearInterval(timer);
      await current;
    },
  };
};
