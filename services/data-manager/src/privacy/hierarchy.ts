import { numberValues } from './tuple-ids.ts';
import { invariant } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';

/**
 * One quasi-identifying column as the search sees it: its leaves are the integers from 0, and each level maps them to coarser values,
 * also integers from 0. The levels are nested: two leaves that are equal at one level are equal at every higher one.
 */
export type Dimension = {
  column: string;
  /** `codes[level][leaf]`; level 0 is the leaf itself. */
  codes: Int32Array[];
  /** Number of values at each level. */
  sizes: number[];
  /** `leaves[level][value]`: leaves under the value, whether they occur in the data or not. */
  leaves: Int32Array[];
  leafCount: number;
  /** The levels that a search may choose; equal for a fixed column. */
  lowest: number;
  highest: number;
};

export type LevelBounds = { lowest: number; highest: number };

/** The levels of one column that a search may choose from; a fixed level narrows them to one. Throws where it does not exist. */
export const levelBounds = (column: string, levelCount: number, fixed: number | undefined): LevelBounds => {
  if (fixed === undefined) return { lowest: 0, highest: levelCount - 1 };
  if (!Number.isInteger(fixed) || fixed < 0 || fixed >= levelCount)
    throw stageError('LEVEL_UNKNOWN', { column, level: fixed, limit: levelCount - 1 });
  return { lowest: fixed, highest: fixed };
};

const countLeaves = (codes: Int32Array, size: number): Int32Array => {
  const leaves = new Int32Array(size);
  for (const code of codes) leaves[code]! += 1;
  return leaves;
};

/** Counts values of a level that have more than one parent at the next: such levels are not nested. */
const countSplitValues = (lower: Int32Array, upper: Int32Array, lowerSize: number): number => {
  const parents = new Int32Array(lowerSize).fill(-1);
  const split = new Set<number>();
  for (let leaf = 0; leaf < lower.length; leaf += 1) {
    const value = lower[leaf]!;
    if (parents[value] === -1) parents[value] = upper[leaf]!;
    else if (parents[value] !== upper[leaf]) split.add(value);
  }
  return split.size;
};

/**
 * What a dimension is made of. `name` is what an error names: a hierarchy or a column. `upperCodes` are the codes of the leaves at the
 * levels above 0 (any integers from 0, one array a level).
 */
export type DimensionInput = {
  column: string;
  name: string;
  leafCount: number;
  upperCodes: readonly Int32Array[];
  fixed?: number | undefined;
};

/** Makes a dimension. Throws where the levels are not nested or end in more than one root. */
export const makeDimension = ({ column, name, leafCount, upperCodes, fixed }: DimensionInput): Dimension => {
  const bounds = levelBounds(column, upperCodes.length + 1, fixed);
  const codes = [Int32Array.from({ length: leafCount }, (_, leaf) => leaf)];
  const sizes = [leafCount];
  for (const [index, level] of upperCodes.entries()) {
    invariant(level.length === leafCount, `${name}: level ${index + 1} has not one value a leaf`);
    const numbered = numberValues(level);
    const split = countSplitValues(codes[index]!, numbered.ids, sizes[index]!);
    if (split > 0) throw stageError('HIERARCHY_PARENTS', { object: name, count: split, lower: index, upper: index + 1 });
    codes.push(Int32Array.from(numbered.ids));
    sizes.push(numbered.count);
  }
  const roots = sizes.at(-1) ?? 0;
  if (upperCodes.length > 0 && roots > 1) throw stageError('HIERARCHY_ROOTS', { object: name, count: roots });
  const leaves = codes.map((level, index) => countLeaves(level, sizes[index]!));
  return { column, codes, sizes, leaves, leafCount, ...bounds };
};

/**
 * Checks a hierarchy written as rows from the leaf to the root: as many levels in each, no leaf twice, one root. Throws a RunError that
 * names the hierarchy and a count, never a value.
 */
export const checkRows = (name: string, rows: readonly (readonly string[])[]): void => {
  const levelCount = rows[0]?.length ?? 0;
  if (levelCount < 2) throw stageError('HIERARCHY_EMPTY', { hierarchy: name });
  const uneven = rows.filter((row) => row.length !== levelCount).length;
  if (uneven > 0) throw stageError('HIERARCHY_UNEVEN', { hierarchy: name, count: uneven, levels: levelCount });
  const twice = rows.length - new Set(rows.map((row) => row[0])).size;
  if (twice > 0) throw stageError('HIERARCHY_LEAF_REPEATED', { hierarchy: name, count: twice });
  const roots = new Set(rows.map((row) => row.at(-1))).size;
  if (roots > 1) throw stageError('HIERARCHY_ROOTS', { object: `Hierarchy ${name}`, count: roots });
};

/** A dimension and the code of each leaf's text. */
export type TextDimension = { dimension: Dimension; leafCodes: Map<string, number> };

/** Makes a dimension from rows of texts, leaf first. Throws as `checkRows` and `makeDimension` do. */
export const dimensionFromRows = (column: string, name: string, rows: readonly (readonly string[])[], fixed?: number): TextDimension => {
  checkRows(name, rows);
  const levelCount = rows[0]?.length ?? 0;
  const upper = Array.from({ length: levelCount - 1 }, (_, index) => {
    const numbers = new Map<string, number>();
    return Int32Array.from(rows, (row) => {
      const label = row[index + 1] ?? '';
      const known = numbers.get(label) ?? numbers.size;
      numbers.set(label, known);
      return known;
    });
  });
  const leafCodes = new Map(rows.map((row, leaf): [string, number] => [row[0] ?? '', leaf]));
  const dimension = makeDimension({ column, name: `Hierarchy ${name}`, leafCount: rows.length, upperCodes: upper, fixed });
  return { dimension, leafCodes };
};

/** Encodes a column's texts by the leaves of its hierarchy. Throws an Error that names column and count where values have no leaf. */
export const encodeTexts = ({ dimension, leafCodes }: TextDimension, texts: readonly string[]): Int32Array => {
  const codes = Int32Array.from(texts, (text) => leafCodes.get(text) ?? -1);
  let missing = 0;
  for (const code of codes) if (code < 0) missing += 1;
  if (missing > 0) throw stageError('HIERARCHY_LEAF_UNKNOWN', { column: dimension.column, count: missing });
  return codes;
};

/** `map[value at level from]` = the value at level `to`, which is not lower. */
export const levelMap = (dimension: Dimension, from: number, to: number): Int32Array => {
  const lower = dimension.codes[from]!;
  const upper = dimension.codes[to]!;
  const map = new Int32Array(dimension.sizes[from]!);
  for (let leaf = 0; leaf < lower.length; leaf += 1) map[lower[leaf]!] = upper[leaf]!;
  return map;
};
