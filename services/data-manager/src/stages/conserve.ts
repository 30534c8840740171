import type { TableCounts } from './stage-manifest.ts';
import { stageError } from '../domain/run-error.ts';

const sum = (counts: readonly { count: number }[]): number => counts.reduce((total, entry) => total + entry.count, 0);

/** Rows of a table that no rule took: what was read, without what was dropped or merged. */
export const expectedRowCount = (counts: TableCounts): number =>
  counts.read.reduce((total, source) => total + source.rowCount, 0) - sum(counts.dropped) - counts.mergedCount;

/**
 * Rows are conserved: read = kept + dropped by each rule + merged. Throws ROWS_NOT_CONSERVED with the numbers when they do not add up; a run
 * ends there, with nothing published.
 */
export const assertConserved = (counts: TableCounts, keptCount: number): void => {
  if (expectedRowCount(counts) === keptCount) return;
  const read = counts.read.map((source) => `${source.source} ${source.rowCount}`).join(', ');
  const dropped = counts.dropped.map((entry) => `${entry.rule} ${entry.count}`).join(', ');
  throw stageError('ROWS_NOT_CONSERVED', {
    table: counts.table,
    read: read || 'none',
    dropped: dropped || 'none',
    merged: counts.mergedCount,
    kept: keptCount,
    expected: expectedRowCount(counts),
  });
};

/** Rows are conserved across anonymization as well: in = suppressed + dropped by declared values or with their parent + stored. */
export const assertBalance = (
  {
    table,
    rowsIn,
    suppressedCount,
    dropped,
  }: { table: string; rowsIn: number; suppressedCount: number; dropped: readonly { count: number }[] },
  storedCount: number,
): void => {
  if (rowsIn === suppressedCount + sum(dropped) + storedCount) return;
  throw stageError('ROWS_NOT_BALANCED', { table, read: rowsIn, suppressed: suppressedCount, dropped: sum(dropped), stored: storedCount });
};
