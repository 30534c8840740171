// The time by which a service decides: that of its database. The clock of a process may be wrong, and may be set while it runs.

/** A time of the database, and when it was that by the process's monotonic clock. */
let known: { databaseMs: number; atMs: number } | undefined;

/** Sets the clock by a time that the database told just now. Until then it is the process's own. */
export const setClock = (databaseMs: number): void => {
  known = { databaseMs, atMs: performance.now() };
};

/** The time of the database, in milliseconds. */
export const nowMs = (): number => (known ? known.databaseMs + performance.now() - known.atMs : Date.now());

/** The time of the database. */
export const now = (): Date => new Date(nowMs());

/** Begins to measure; the function returns how many milliseconds have passed, whatever happens to the clocks. */
export const stopwatch = (): (() => number) => {
  const startMs = performance.now();
  return () => Math.round(performance.now() - startMs);
};
