import { describe, expect, it } from 'vitest';
import { assertConserved, expectedRowCount } from './conserve.ts';
import { emptyCounts } from './stage-manifest.ts';

describe('the balance of rows', () => {
  const counts = {
    ...emptyCounts('people'),
    read: [
      { rank: 1, source: 'a', sourceName: '', rowCount: 10, sizeBytes: 1 },
      { rank: 2, source: 'b', sourceName: '', rowCount: 5, sizeBytes: 1 },
    ],
    dropped: [
      { rule: 'empty:name', count: 2 },
      { rule: 'primary_key', count: 1 },
    ],
    mergedCount: 4,
  };

  it('is read minus dropped minus merged', () => {
    expect(expectedRowCount(counts)).toBe(8);
    expect(() => assertConserved(counts, 8)).not.toThrow();
  });

  it.each([7, 9, 0])('fails with every number for %i kept rows', (kept) => {
    expect(() => assertConserved(counts, kept)).toThrow(
      `Table people: the rows do not add up. Read: a 10, b 5. Dropped: empty:name 2, primary_key 1. Merged: 4. Kept: ${kept}, but 8 should be.`,
    );
  });
});
