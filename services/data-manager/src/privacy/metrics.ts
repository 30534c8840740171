import { countValues, type ClassTable } from './class-table.ts';
import type { Dimension } from './hierarchy.ts';
import { invariant } from '../domain/defect.ts';

export type MetricKind = 'loss' | 'nonUniformEntropy' | 'discernibility' | 'averageClassSize' | 'precision' | 'height';
export type Aggregate = 'geometricMean' | 'arithmeticMean' | 'sum' | 'maximum' | 'rank';

/**
 * `aggregate` makes one number of the columns' losses (loss, entropy); `gsFactor` (loss, 0 to 1, .5 when absent) weighs suppression
 * (above .5) against generalization (below); `ignoresSuppression` (entropy, discernibility, precision) counts suppressed rows as they are.
 */
export type MetricOptions = { kind: MetricKind; aggregate?: Aggregate; gsFactor?: number; ignoresSuppression?: boolean };

/**
 * What a metric looks at. For a node all fields are exact. For a set of nodes (`isBound`) they are such that no node of the set can have a
 * smaller loss: the lowest levels, at least so many suppressed rows and squares, at most so many classes.
 */
export type NodeState = {
  levels: number[];
  suppressedCount: number;
  /** Suppressed rows per value, a column each, by the values at `levels`. Only for metrics that use them. */
  suppressedValues: Float64Array[];
  keptClassCount: number;
  keptSquares: number;
  /** Over suppressed classes too. */
  allSquares: number;
};

export type Metric = {
  name: string;
  needsSuppressedValues: boolean;
  needsSquares: boolean;
  /** True: the sizes of suppressed classes count, so they must be followed to the end. */
  needsSuppressedClasses: boolean;
  /** One number, or the vector of the aggregate `rank`; compared entry by entry. Smaller is better. */
  score: (state: NodeState, isBound: boolean) => number[];
};

/** Entries of a rank vector are compared at ten decimals, as in ARX. */
const RANK_DECIMALS = 1e10;

const aggregateLosses = (losses: number[], aggregate: Aggregate): number[] => {
  const { length } = losses;
  switch (aggregate) {
    case 'geometricMean':
      return [length === 0 ? 0 : losses.reduce((product, loss) => product * (loss + 1) ** (1 / length), 1) - 1];
    case 'arithmeticMean':
      return [length === 0 ? 0 : losses.reduce((sum, loss) => sum + loss, 0) / length];
    case 'sum':
      return [losses.reduce((sum, loss) => sum + loss, 0)];
    case 'maximum':
      return [Math.max(0, ...losses)];
    case 'rank':
      return losses.map((loss) => Math.round(loss * RANK_DECIMALS) / RANK_DECIMALS).toSorted((left, right) => right - left);
  }
};

type Setting = { dimensions: readonly Dimension[]; table: ClassTable };

/** Computes f(dimension, level) for all levels once. */
const perLevel = ({ dimensions }: Setting, compute: (index: number, level: number) => number): number[][] =>
  dimensions.map((dimension, index) => dimension.codes.map((_, level) => compute(index, level)));

const sumLogs = (counts: Float64Array): number => {
  let sum = 0;
  for (const count of counts) if (count > 0) sum += count * Math.log2(count);
  return sum;
};

const weighShares = (counts: Float64Array, leaves: Int32Array, leafCount: number): number => {
  let sum = 0;
  for (let value = 0; value < counts.length; value += 1) sum += (counts[value]! * leaves[value]!) / leafCount;
  return sum;
};

/**
 * Loss (Iyengar 2002, as in ARX): the share of a value is the leaves under it over all leaves, a suppressed row has
 * share + s × (1 − share) with s = min(1, 2g), kept rows share × min(1, 2(1 − g)). Per column the sum lies between its smallest possible value,
 * min(1, 2(1 − g)) × n / leaves, and n, and is mapped to 0…1.
 */
const lossMetric = (setting: Setting, gsFactor: number, aggregate: Aggregate): Metric => {
  invariant(gsFactor >= 0 && gsFactor <= 1, 'the gs factor must be from 0 to 1');
  const { dimensions, table } = setting;
  const suppressionWeight = Math.min(1, 2 * gsFactor);
  const keptWeight = Math.min(1, 2 * (1 - gsFactor));
  const totals = perLevel(setting, (index, level) => {
    const { leaves, leafCount } = dimensions[index]!;
    return weighShares(countValues(table, dimensions, index, level), leaves[level]!, leafCount);
  });
  const columnLoss = (state: NodeState, index: number): number => {
    const { leaves, leafCount } = dimensions[index]!;
    const level = state.levels[index]!;
    const suppressedShares = weighShares(state.suppressedValues[index]!, leaves[level]!, leafCount);
    const kept = (totals[index]![level]! - suppressedShares) * keptWeight;
    const suppressed = suppressedShares + suppressionWeight * (state.suppressedCount - suppressedShares);
    const least = (keptWeight * table.rowCount) / leafCount;
    const span = table.rowCount - least;
    return span <= 0 ? 0 : Math.max(0, (kept + suppressed - least) / span);
  };
  return {
    name: `loss (${aggregate}${gsFactor === 0.5 ? '' : `, gs factor ${gsFactor}`})`,
    needsSuppressedValues: true,
    needsSquares: false,
    needsSuppressedClasses: false,
    score: (state) =>
      aggregateLosses(
        dimensions.map((_, index) => columnLoss(state, index)),
        aggregate,
      ),
  };
};

/**
 * Non-uniform entropy (Gionis and Tassa 2009): per column the sum over rows of −log2(f(original) / f(generalized)) with frequencies over
 * the whole table; unless it ignores suppression, suppressed rows add −log2(share of the generalized value among the suppressed rows).
 * Joining two values takes from the second sum at most what it adds to the first, so a higher level never has less loss.
 */
const entropyMetric = (setting: Setting, ignoresSuppression: boolean, aggregate: Aggregate): Metric => {
  const { dimensions, table } = setting;
  const logs = perLevel(setting, (index, level) => sumLogs(countValues(table, dimensions, index, level)));
  const columnLoss = (state: NodeState, index: number): number => {
    const generalized = logs[index]![state.levels[index]!]! - logs[index]![0]!;
    if (ignoresSuppression) return generalized;
    const suppressed = state.suppressedCount;
    return generalized + (suppressed > 0 ? suppressed * Math.log2(suppressed) - sumLogs(state.suppressedValues[index]!) : 0);
  };
  return {
    name: `non-uniform entropy (${aggregate}${ignoresSuppression ? ', ignores suppression' : ''})`,
    needsSuppressedValues: !ignoresSuppression,
    needsSquares: false,
    needsSuppressedClasses: false,
    score: (state) =>
      aggregateLosses(
        dimensions.map((_, index) => columnLoss(state, index)),
        aggregate,
      ),
  };
};

/** Discernibility: DM = squares of kept classes + all rows × suppressed rows; DM*, which ignores suppression: squares of all classes. */
const discernibilityMetric = ({ table }: Setting, ignoresSuppression: boolean): Metric => ({
  name: ignoresSuppression ? 'discernibility (ignores suppression)' : 'discernibility',
  needsSuppressedValues: false,
  needsSquares: true,
  needsSuppressedClasses: ignoresSuppression,
  score: (state) => [ignoresSuppression ? state.allSquares : state.keptSquares + table.rowCount * state.suppressedCount],
});

/** Average class size: rows / classes, where all suppressed rows together are one class. */
const averageClassSizeMetric = ({ table }: Setting): Metric => ({
  name: 'average class size',
  needsSuppressedValues: false,
  needsSquares: false,
  needsSuppressedClasses: false,
  score: (state, isBound) => {
    const classCount = state.keptClassCount + (isBound || state.suppressedCount > 0 ? 1 : 0);
    return [classCount === 0 ? 0 : table.rowCount / classCount];
  },
});

/** Precision (Sweeney): mean over the columns of level / highest level; unless it ignores suppression, suppressed rows count 1. */
const precisionMetric = ({ dimensions, table }: Setting, ignoresSuppression: boolean): Metric => ({
  name: ignoresSuppression ? 'precision (ignores suppression)' : 'precision',
  needsSuppressedValues: false,
  needsSquares: false,
  needsSuppressedClasses: false,
  score: ({ levels, suppressedCount }) => {
    const heights = dimensions.map(({ codes }) => codes.length - 1);
    const shares = levels.map((level, index) => (heights[index] === 0 ? 0 : level / heights[index]!));
    const mean = shares.reduce((sum, share) => sum + share, 0) / Math.max(1, dimensions.length);
    if (ignoresSuppression || table.rowCount === 0) return [mean];
    const suppressedShare = suppressedCount / table.rowCount;
    return [mean * (1 - suppressedShare) + suppressedShare];
  },
});

const heightMetric = (): Metric => ({
  name: 'height',
  needsSuppressedValues: false,
  needsSquares: false,
  needsSuppressedClasses: false,
  score: ({ levels }) => [levels.reduce((sum, level) => sum + level, 0)],
});

/** A metric over the data of a table. Throws a RangeError for a gs factor out of range. */
export const makeMetric = (options: MetricOptions, dimensions: readonly Dimension[], table: ClassTable): Metric => {
  const setting = { dimensions, table };
  const ignoresSuppression = options.ignoresSuppression ?? false;
  switch (options.kind) {
    case 'loss':
      return lossMetric(setting, options.gsFactor ?? 0.5, options.aggregate ?? 'geometricMean');
    case 'nonUniformEntropy':
      return entropyMetric(setting, ignoresSuppression, options.aggregate ?? 'sum');
    case 'discernibility':
      return discernibilityMetric(setting, ignoresSuppression);
    case 'averageClassSize':
      return averageClassSizeMetric(setting);
    case 'precision':
      return precisionMetric(setting, ignoresSuppression);
    case 'height':
      return heightMetric();
  }
};
