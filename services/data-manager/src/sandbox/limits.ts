/** What a script may use unless its caller says less. */
export const SANDBOX_LIMITS = {
  /** V8 heap. */
  heapMb: 256,
  /** Resident memory of the process, typed arrays included; looked at every 20 ms. */
  residentMb: 768,
  /** Data segment of the process (RLIMIT_DATA). The runtime itself needs 560 MB of it before a script runs. */
  dataBytes: 1_500_000_000,
  timeoutMs: 900_000,
  outputBytes: 8 * 1024 * 1024 * 1024,
  /** A single row that a script writes: as long as a line of any text may be. */
  lineBytes: 64 * 1024 * 1024,
} as const;

/** The time that every script sees: what it makes of it is the same at each try. */
export const SCRIPT_TIME_MS = Date.UTC(2000, 0, 1);

/** Limits of one execution. */
export type SandboxLimits = { timeoutMs: number; outputBytes: number; residentMb: number };
