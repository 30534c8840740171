import type { Dimension } from './hierarchy.ts';
import { invariant } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';

/** A node of the lattice: one level a dimension. */
export type Node = number[];

/** How many nodes a search may choose from. A double: the lattice has no limit. */
export const latticeSize = (dimensions: readonly Dimension[]): number =>
  dimensions.reduce((size, { lowest, highest }) => size * (highest - lowest + 1), 1);

export const levelSum = (node: readonly number[]): number => node.reduce((sum, level) => sum + level, 0);

/** Compares two vectors of one length entry by entry: below 0 where the left one comes first. */
export const compareVectors = (left: readonly number[], right: readonly number[]): number => {
  for (const [index, value] of left.entries()) {
    const difference = value - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};

/** Checks that a node has one existing level a dimension. Throws LEVEL_UNKNOWN with the column. */
export const checkNode = (dimensions: readonly Dimension[], node: readonly number[]): void => {
  invariant(node.length === dimensions.length, `a node has ${dimensions.length} levels here, not ${node.length}`);
  for (const [index, { column, codes }] of dimensions.entries()) {
    const level = node[index];
    if (level === undefined || !Number.isInteger(level) || level < 0 || level >= codes.length)
      throw stageError('LEVEL_UNKNOWN', { column, level: level ?? 'none', limit: codes.length - 1 });
  }
};
