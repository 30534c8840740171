/** What the reader of text may use, and what it refuses. */
export const TEXT_LIMITS = {
  /** V8 heap of the process. */
  heapMb: 1024,
  /** Resident memory of the process. */
  residentMb: 1792,
  watchEveryMs: 100,
  /** A record of a csv file, a line of a jsonl file, a row of a JSON array: the same in every lane. */
  lineBytes: 67_108_864,
  /** What stands around the rows of a JSON text. */
  frameBytes: 16_777_216,
  /** A page of an HTTP API: as it is sent, and as it is when it is unpacked. */
  pageBytes: 268_435_456,
  unpackedBytes: 1_073_741_824,
  /** How a page names the next one: a token, or a URL. */
  nextPageChars: 8_192,
  /** How deep JSON may be nested. */
  depth: 512,
  chunkBytes: 262_144,
} as const;
