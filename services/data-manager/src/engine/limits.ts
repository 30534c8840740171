/** What an engine process may use when its opener says nothing. Measured peaks of the process are about 1.5 times the memory limit. */
export const ENGINE_LIMITS = {
  memoryMb: 512,
  threads: 2,
  /** What the process may have resident beyond a multiple of its memory limit, which is the database's own count of its buffers. */
  residentFactor: 2,
  residentExtraMb: 768,
  watchEveryMs: 100,
  temporaryMb: 65_536,
  /** Values (rows times columns) that `sql` may return: results for people and plans, not data. */
  resultCells: 2_000_000,
  /** The longest line of a csv file. */
  csvLineBytes: 16_777_216,
  /** The longest line that is read with larger buffers, where the usual ones do not hold it: a value of 64 MiB with its quotes doubled. */
  longLineBytes: 134_283_264,
  openTimeoutMs: 15_000,
  closeTimeoutMs: 3_000,
  /** What a statement of a user may take. */
  userMemoryMb: 512,
  userTemporaryMb: 16_384,
  userTimeoutMs: 900_000,
  /** How long a statement may go on after it was interrupted, before its process is killed. */
  interruptGraceMs: 5_000,
} as const;

/**
 * Tables of so many columns are worked on by one thread, and sorted in parts: the engine keeps blocks of 2,048 rows of all columns for each step of each
 * thread, which its memory limit does not count.
 */
export const WIDE = { columns: 200, segmentCells: 4_194_304, leastSegmentRows: 1_024 } as const;

/** The threads of an engine that works on tables of these widths. */
export const threadsFor = (columnCounts: readonly number[]): number =>
  Math.max(0, ...columnCounts) > WIDE.columns ? 1 : ENGINE_LIMITS.threads;
