// The messages between a stage and the process that searches for levels, and what that process does.
import { classTable } from '../../privacy/class-table.ts';
import { evaluateNode } from '../../privacy/evaluate.ts';
import type { Dimension } from '../../privacy/hierarchy.ts';
import { makeMetric, type MetricOptions } from '../../privacy/metrics.ts';
import { kAnonymity } from '../../privacy/models/k-anonymity.ts';
import { search } from '../../privacy/search.ts';

/** What is searched: the classes (a leaf code a dimension, and rows), and what must hold. `allowedRows` may be suppressed. */
export type LevelJob = {
  codes: Int32Array[];
  counts: Int32Array;
  dimensions: Dimension[];
  ks: number[];
  metric: MetricOptions;
  allowedRows: number;
};

/** The chosen levels. `suppressed` has the classes that violate the requirement there, as the codes of each dimension at its level. */
export type FoundLevels = {
  node: number[];
  loss: number;
  metricName: string;
  tieCount: number;
  suppressedCount: number;
  suppressed: Int32Array[];
};

/** The levels, or how many rows violate the requirement at the highest ones where none hold it. */
export type LevelResult = { found: FoundLevels } | { suppressedAtTop: number };

export type LevelResponse =
  { progress: { settledNodes: number; totalNodes: number } } | { result: LevelResult } | { failure: { code: string; frames: string[] } };

/** Searches for the levels of least loss. */
export const searchLevels = async (
  { codes, counts, dimensions, ks, metric: options, allowedRows }: LevelJob,
  onProgress: (settledNodes: number, totalNodes: number) => void,
): Promise<LevelResult> => {
  const table = classTable(codes, counts);
  const models = ks.map(kAnonymity);
  const metric = makeMetric(options, dimensions, table);
  const found = await search(table, dimensions, {
    models,
    metric,
    suppressionLimit: { rows: allowedRows },
    onProgress: ({ settledNodes, totalNodes }) => onProgress(settledNodes, totalNodes),
  });
  const judge = (node: number[]) => evaluateNode(table, dimensions, { models, metric }, node);
  if (found === undefined) return { suppressedAtTop: judge(dimensions.map(({ highest }) => highest)).suppressedCount };
  const { node, score, tieCount, suppressedCount } = found;
  const { classes, isSuppressed } = suppressedCount > 0 ? judge(node) : { classes: { codes: [] }, isSuppressed: [] };
  const suppressed = classes.codes.map((column) => column.filter((_, index) => isSuppressed[index] !== 0));
  return { found: { node, loss: score[0] ?? 0, metricName: metric.name, tieCount, suppressedCount, suppressed } };
};
