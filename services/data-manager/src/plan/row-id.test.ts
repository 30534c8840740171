import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ROW_ID_LIMITS, rowIdBounds } from './row-id.ts';

const unpack = (rowId: bigint): number[] => [Number(rowId >> 49n), Number((rowId >> 29n) & 1_048_575n), Number(rowId & 536_870_911n)];

describe('row ids', () => {
  it('hold rank, segment and place, in this order, within a BIGINT', () => {
    fc.assert(
      fc.property(fc.nat(ROW_ID_LIMITS.rank), fc.nat(ROW_ID_LIMITS.segment), fc.nat(ROW_ID_LIMITS.ordinal), (rank, segment, place) => {
        const { firstRowId, lastRowId } = rowIdBounds(rank, segment, place + 1);
        expect(unpack(firstRowId)).toEqual([rank, segment, 0]);
        expect(unpack(lastRowId)).toEqual([rank, segment, place]);
        expect(lastRowId <= 9_223_372_036_854_775_807n).toBe(true);
      }),
    );
  });

  it.each([
    ['a rank', ROW_ID_LIMITS.rank + 1, 0, 1],
    ['a segment', 1, ROW_ID_LIMITS.segment + 1, 1],
    ['more rows of a segment', 1, 0, ROW_ID_LIMITS.ordinal + 2],
    ['a negative rank', -1, 0, 1],
  ])('have no room for %s beyond the limits', (_, rank, segment, rowCount) => {
    expect(() => rowIdBounds(rank, segment, rowCount)).toThrow('A row id has no room');
  });

  it('of a segment without rows are one that no row has', () => {
    const { firstRowId, lastRowId } = rowIdBounds(1, 2, 0);
    expect(lastRowId).toBe(firstRowId);
  });
});
