import { levelMap, type Dimension } from './hierarchy.ts';
import type { Node } from './lattice.ts';
import type { ClassCounts } from './models/model.ts';
import { numberPairs } from './tuple-ids.ts';

/** A sparse histogram of one sensitive attribute: class, value and count of each pair that occurs, sorted by class. */
export type SensitiveHistogram = { column: string; classes: Int32Array; values: Int32Array; counts: Int32Array };

/** The distinct tuples of leaf codes with their number of rows: one array a dimension, all of one length. */
export type ClassTable = {
  codes: Int32Array[];
  counts: Int32Array;
  classCount: number;
  rowCount: number;
  sensitive?: SensitiveHistogram[];
};

/** The classes of one node, with the levels' codes of each: `codes[dimension][class]`. `classOf` leads from the table's classes. */
export type RolledUp = ClassCounts & { codes: Int32Array[]; classOf: Int32Array };

const sum = (values: Int32Array): number => {
  let total = 0;
  for (const value of values) total += value;
  return total;
};

/** A class table from columns that are distinct tuples already, as a GROUP BY returns them. */
export const classTable = (codes: Int32Array[], counts: Int32Array): ClassTable => ({
  codes,
  counts,
  classCount: counts.length,
  rowCount: sum(counts),
});

/** Numbers the distinct tuples of some columns; of no column, all tuples are one. */
const numberTuples = (columns: readonly Int32Array[], sizes: readonly number[], length: number): { ids: Int32Array; count: number } => {
  let ids: Int32Array = new Int32Array(length);
  let count = length === 0 ? 0 : 1;
  for (const [index, column] of columns.entries()) {
    const numbered = numberPairs({ left: ids, right: column, length, leftSize: count, rightSize: sizes[index] ?? 0 });
    ids = numbered.ids;
    count = numbered.count;
  }
  return { ids, count };
};

const groupBy = (columns: readonly Int32Array[], sizes: readonly number[], weights: Int32Array): RolledUp => {
  const { ids, count } = numberTuples(columns, sizes, weights.length);
  const rowCounts = new Float64Array(count);
  for (let index = 0; index < ids.length; index += 1) rowCounts[ids[index]!]! += weights[index]!;
  const codes = columns.map((column) => {
    const grouped = new Int32Array(count);
    for (let index = 0; index < ids.length; index += 1) grouped[ids[index]!] = column[index]!;
    return grouped;
  });
  return { rowCounts, classCount: count, codes, classOf: ids };
};

/** Counts the classes of rows that are given as one array of leaf codes a dimension. */
export const countClasses = (dimensions: readonly Dimension[], columns: readonly Int32Array[], rowCount: number): ClassTable => {
  const sizes = dimensions.map(({ leafCount }) => leafCount);
  const grouped = groupBy(columns, sizes, new Int32Array(rowCount).fill(1));
  return classTable(grouped.codes, Int32Array.from(grouped.rowCounts));
};

/** The classes of a node. */
export const rollUp = (table: ClassTable, dimensions: readonly Dimension[], node: Node): RolledUp => {
  const columns = dimensions.map((dimension, index) => {
    const map = levelMap(dimension, 0, node[index] ?? 0);
    return table.codes[index]!.map((code) => map[code]!);
  });
  const sizes = dimensions.map((dimension, index) => dimension.sizes[node[index] ?? 0] ?? 0);
  return groupBy(columns, sizes, table.counts);
};

/** Rows of each value of a dimension at a level. */
export const countValues = (table: ClassTable, dimensions: readonly Dimension[], index: number, level: number): Float64Array => {
  const dimension = dimensions[index]!;
  const map = levelMap(dimension, 0, level);
  const counts = new Float64Array(dimension.sizes[level]!);
  const codes = table.codes[index]!;
  for (let row = 0; row < codes.length; row += 1) counts[map[codes[row]!]!]! += table.counts[row]!;
  return counts;
};
