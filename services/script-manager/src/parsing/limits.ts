/** What parsing the text of a script may use. */
export const PARSE_LIMITS = {
  /** SQL and TypeScript. JSON holds data too (hierarchies): it may be as long as the contract says. */
  codeBytes: 262_144,
  timeoutMs: 2_000,
  /** Until the process has loaded its parsers, which no text can prolong. */
  startMs: 20_000,
  /** Brackets that are open at once in JSON. */
  depth: 64,
  heapMb: 256,
  residentMb: 768,
  watchEveryMs: 50,
  /** Processes, each with one text at a time. */
  processCount: 2,
  /** Texts that wait, of all groups. */
  waitingCount: 64,
} as const;
