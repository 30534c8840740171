import { stageError } from '../domain/run-error.ts';

/**
 * A row's id packs where it came from into one BIGINT: 14 bits of the source's rank, 20 bits of the segment, 29 bits of the row's
 * place in the segment. It is positive, and its order is rank, then segment, then place.
 */
const SEGMENT_BITS = 20n;
const ORDINAL_BITS = 29n;

export const ROW_ID_LIMITS = { rank: 16_383, segment: 1_048_575, ordinal: 536_870_911 } as const;

const check = (name: string, value: number, limit: number): void => {
  if (!Number.isInteger(value) || value < 0 || value > limit) throw stageError('ROW_ID_EXHAUSTED', { object: name, count: value, limit });
};

/** The id of the first row of a segment; the row at place n (from 0) has this id plus n. */
export const firstRowId = (rank: number, segment: number): bigint => {
  check('rank', rank, ROW_ID_LIMITS.rank);
  check('segment', segment, ROW_ID_LIMITS.segment);
  return (BigInt(rank) << (SEGMENT_BITS + ORDINAL_BITS)) | (BigInt(segment) << ORDINAL_BITS);
};

/** The ids of a segment with so many rows. Throws ROW_ID_EXHAUSTED where they do not fit. */
export const rowIdBounds = (rank: number, segment: number, rowCount: number): { firstRowId: bigint; lastRowId: bigint } => {
  check('rows of a segment', rowCount, ROW_ID_LIMITS.ordinal + 1);
  const first = firstRowId(rank, segment);
  return { firstRowId: first, lastRowId: first + BigInt(Math.max(0, rowCount - 1)) };
};

/** SQL of the source's rank of a row id. */
export const rankSql = (rowId: string): string => `(${rowId} >> ${SEGMENT_BITS + ORDINAL_BITS})`;
