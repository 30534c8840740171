import type { TableCounts } from './manifest.ts';

const sum = (counts: readonly { count: number }[]): number => counts.reduce((total, entry) => total + entry.count, 0);

/** Rows of a table that no rule took: what was read, without what was dropped or merged. */
export const expectedRowCount = (counts: TableCounts): number =>
  counts.read.reduce((total, source) => total + source.rowCount, 0) - sum(counts.dropped) - counts.mergedCount;

/**
 * Rows are conserved: read = kept + dropped by each rule + merged. Throws an Error with the numbers when they do not add up; a run
 * ends there, with nothing published.
 */
export const assertConserved = (counts: TableCounts, keptCount: number): void => {
  if (expectedRowCount(counts) === keptCount) return;
  const read = counts.read.map((source) => `${source.source} ${source.rowCount}`).join(', ');
  const dropped = counts.dropped.map((entry) => `${entry.rule} ${entry.count}`).join(', ');
  throw new Error(
    `Table ${counts.table}: the rows do not add up. Read: ${read || 'none'}. Dropped: ${dropped || 'none'}. ` +
      `Merged: ${counts.mergedCount}. Kept: ${keptCount}, but ${expectedRowCount(counts)} should be.`,
  );
};

/** Rows are conserved across anonymization as well: in = suppressed + stored. */
export const assertBalance = (table: string, inCount: number, suppressedCount: number, storedCount: number): void => {
  if (inCount === suppressedCount + storedCount) return;
  throw new Error(`Table ${table}: the rows do not add up. In: ${inCount}. Suppressed: ${suppressedCount}. Stored: ${storedCount}.`);
};
