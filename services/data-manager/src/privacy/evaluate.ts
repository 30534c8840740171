import { rollUp, type ClassTable, type RolledUp } from './class-table.ts';
import type { Dimension } from './hierarchy.ts';
import { checkNode, type Node } from './lattice.ts';
import type { Metric, NodeState } from './metrics.ts';
import { violatesAny, type PrivacyModel } from './models/model.ts';

export type Evaluation = { classes: RolledUp; isSuppressed: Uint8Array; suppressedCount: number; score: number[] };

/** What a node is judged by. */
export type Criteria = { models: readonly PrivacyModel[]; metric: Metric };

/**
 * Looks at one node: its classes, those that violate a model (their rows are suppressed, whatever the limit), and the metric. Throws a
 * RangeError for a level that does not exist.
 */
export const evaluateNode = (table: ClassTable, dimensions: readonly Dimension[], { models, metric }: Criteria, node: Node): Evaluation => {
  checkNode(dimensions, node);
  const classes = rollUp(table, dimensions, node);
  const isSuppressed = new Uint8Array(classes.classCount);
  const state: NodeState = {
    levels: node,
    suppressedCount: 0,
    suppressedValues: dimensions.map((dimension, index) => new Float64Array(dimension.sizes[node[index]!]!)),
    keptClassCount: 0,
    keptSquares: 0,
    allSquares: 0,
  };
  for (let index = 0; index < classes.classCount; index += 1) {
    const rows = classes.rowCounts[index]!;
    state.allSquares += rows * rows;
    if (!violatesAny(models, classes, index)) {
      state.keptClassCount += 1;
      state.keptSquares += rows * rows;
      continue;
    }
    isSuppressed[index] = 1;
    state.suppressedCount += rows;
    for (const [column, values] of state.suppressedValues.entries()) values[classes.codes[column]![index]!]! += rows;
  }
  return { classes, isSuppressed, suppressedCount: state.suppressedCount, score: metric.score(state, false) };
};
