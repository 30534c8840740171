// What a search minimises. A loss is a list of numbers, compared one by one; most metrics have one.
import { Aggregate, Metric } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { codeOf, type Classes, type Dimension, type Packing } from './class-table.ts';

/** A node with its classes and which of them are suppressed. */
export type Measured = { node: readonly number[]; classes: Classes; isSuppressed: (count: number) => boolean; suppressedRows: number };

/** A metric: a node's loss, and, where there is one, a bound that is at most the loss of the node and of every more general one. */
export type LossFunction = { lossOf: (measured: Measured) => number[]; bound?: (node: readonly number[]) => number };

/** What all metrics know of the table. */
export type Frame = { dimensions: readonly Dimension[]; packing: Packing; rowCount: number; base: Classes };

/** How a metric is meant. `gsFactor` in [0, 1]: above .5 generalization weighs less, below suppression does. */
export type MetricChoice = { metric: Metric; aggregate: Aggregate; gsFactor: number; ignoresSuppression: boolean };

const ROUNDING = 1e10;

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

const aggregateOf = (losses: number[], aggregate: Aggregate): number[] => {
  switch (aggregate) {
    case Aggregate.ARITHMETIC_MEAN:
      return [sum(losses) / losses.length];
    case Aggregate.SUM:
      return [sum(losses)];
    case Aggregate.MAXIMUM:
      return [Math.max(...losses)];
    case Aggregate.RANK:
      return losses.toSorted((left, right) => right - left).map((loss) => Math.round(loss * ROUNDING) / ROUNDING);
    default:
      return [losses.reduce((product, loss) => product * (loss + 1), 1) ** (1 / losses.length) - 1];
  }
};

/** Per dimension, the rows of each code at the node's level: those that stay, and those that are suppressed. */
const rowsByCode = (frame: Frame, { node, classes, isSuppressed }: Measured): { kept: Float64Array; suppressed: Float64Array }[] =>
  frame.dimensions.map(({ labels }, index) => {
    const size = labels[node[index] ?? 0]?.length ?? 0;
    const rows = { kept: new Float64Array(size), suppressed: new Float64Array(size) };
    for (let row = 0; row < classes.size; row++) {
      const count = classes.counts[row] as number;
      const side = isSuppressed(count) ? rows.suppressed : rows.kept;
      const code = codeOf(classes.keys[row] as number, frame.packing, index);
      side[code] = (side[code] as number) + count;
    }
    return rows;
  });

const codeAt = (dimension: Dimension, value: number, level: number): number => {
  let code = value;
  for (let at = 0; at < level; at++) code = dimension.parents[at]?.[code] ?? 0;
  return code;
};

const frequenciesOf = ({ dimensions, packing, base }: Frame, index: number): Float64Array => {
  const frequencies = new Float64Array(dimensions[index]?.labels[0]?.length ?? 0);
  for (let row = 0; row < base.size; row++) {
    const code = codeOf(base.keys[row] as number, packing, index);
    frequencies[code] = (frequencies[code] as number) + (base.counts[row] as number);
  }
  return frequencies;
};

/** Per dimension and level: the loss when nothing is suppressed. */
const generalizationLosses = (frame: Frame): number[][] =>
  frame.dimensions.map((dimension, index) => {
    const frequencies = frequenciesOf(frame, index);
    const lowest = frame.rowCount / dimension.leaves;
    return dimension.shares.map((shares, level) => {
      let total = 0;
      frequencies.forEach((count, value) => {
        total += count * (shares[codeAt(dimension, value, level)] as number);
      });
      return frame.rowCount === lowest ? 0 : (total - lowest) / (frame.rowCount - lowest);
    });
  });

/** Share of the hierarchy's leaves under each value (Iyengar, 2002), normalised to 0 … 1. */
const loss = (frame: Frame, { aggregate, gsFactor }: MetricChoice): LossFunction => {
  const generalizationWeight = Math.min(1, 2 * (1 - gsFactor));
  const suppressionWeight = Math.min(1, 2 * gsFactor);
  const lossOf: LossFunction['lossOf'] = (measured) => {
    const rows = rowsByCode(frame, measured);
    const losses = frame.dimensions.map(({ shares, leaves }, index) => {
      const lowest = (generalizationWeight * frame.rowCount) / leaves;
      let total = 0;
      (shares[measured.node[index] ?? 0] ?? new Float64Array()).forEach((share, code) => {
        total +=
          (rows[index]?.kept[code] ?? 0) * share * generalizationWeight +
          (rows[index]?.suppressed[code] ?? 0) * (share + suppressionWeight * (1 - share));
      });
      return frame.rowCount === lowest ? 0 : (total - lowest) / (frame.rowCount - lowest);
    });
    return aggregateOf(losses, aggregate);
  };
  // With equal weights a suppressed row never costs less than a kept one, so the loss without suppression is a bound.
  if (gsFactor !== 0.5 || aggregate === Aggregate.RANK) return { lossOf };
  const table = generalizationLosses(frame);
  return {
    lossOf,
    bound: (node) =>
      aggregateOf(
        table.map((levels, index) => levels[node[index] ?? 0] ?? 0),
        aggregate,
      )[0] ?? 0,
  };
};

/** Per dimension and level: −Σ log2(f(original) / f(generalized)) over all rows. */
const entropyTable = (frame: Frame): number[][] =>
  frame.dimensions.map((dimension, index) => {
    const frequencies = frequenciesOf(frame, index);
    return dimension.labels.map((labels, level) => {
      const generalized = new Float64Array(labels.length);
      frequencies.forEach((count, value) => {
        const code = codeAt(dimension, value, level);
        generalized[code] = (generalized[code] as number) + count;
      });
      let total = 0;
      frequencies.forEach((count, value) => {
        if (count > 0) total += count * Math.log2((generalized[codeAt(dimension, value, level)] as number) / count);
      });
      return total;
    });
  });

/** Non-uniform entropy (Gionis and Tassa, 2009); with suppression, what is left unknown among the suppressed rows is added. */
const entropy = (frame: Frame, { ignoresSuppression }: MetricChoice): LossFunction => {
  const table = entropyTable(frame);
  const bound = (node: readonly number[]): number => sum(table.map((levels, index) => levels[node[index] ?? 0] ?? 0));
  const lossOf: LossFunction['lossOf'] = (measured) => {
    let total = bound(measured.node);
    if (ignoresSuppression || measured.suppressedRows === 0) return [total];
    for (const { suppressed } of rowsByCode(frame, measured))
      for (const count of suppressed) if (count > 0) total += count * Math.log2(measured.suppressedRows / count);
    return [total];
  };
  return { lossOf, bound };
};

const sumOverClasses = (
  { classes, isSuppressed }: Measured,
  kept: (count: number) => number,
  suppressed: (count: number) => number,
): number => {
  let total = 0;
  for (const count of classes.counts) total += isSuppressed(count) ? suppressed(count) : kept(count);
  return total;
};

/** Sum of squared class sizes; a suppressed row costs as much as the table has rows (Bayardo and Agrawal, 2005). */
const discernibility = (frame: Frame, { ignoresSuppression }: MetricChoice): LossFunction => {
  const squared = (count: number): number => count * count;
  return { lossOf: (measured) => [sumOverClasses(measured, squared, ignoresSuppression ? squared : (count) => count * frame.rowCount)] };
};

/** Rows per class; all suppressed rows are one class (LeFevre et al., 2006). */
const averageClassSize = (frame: Frame, { ignoresSuppression }: MetricChoice): LossFunction => ({
  lossOf: (measured) => {
    const kept = sumOverClasses(
      measured,
      () => 1,
      () => (ignoresSuppression ? 1 : 0),
    );
    return [frame.rowCount / (kept + (!ignoresSuppression && measured.suppressedRows > 0 ? 1 : 0))];
  },
});

/** Mean of level / highest level; a suppressed row counts 1 (Sweeney, 2002). */
const precision = ({ dimensions, rowCount }: Frame, { ignoresSuppression }: MetricChoice): LossFunction => {
  const mean = (node: readonly number[]): number =>
    sum(dimensions.map(({ labels }, index) => (labels.length > 1 ? (node[index] ?? 0) / (labels.length - 1) : 0))) / dimensions.length;
  return {
    bound: mean,
    lossOf: ({ node, suppressedRows }) => {
      const suppressed = ignoresSuppression ? 0 : suppressedRows / rowCount;
      return [mean(node) * (1 - suppressed) + suppressed];
    },
  };
};

const height = (): LossFunction => ({ lossOf: ({ node }) => [sum(node)], bound: sum });

const METRICS: Record<number, (frame: Frame, choice: MetricChoice) => LossFunction> = {
  [Metric.UNSPECIFIED]: loss,
  [Metric.LOSS]: loss,
  [Metric.NON_UNIFORM_ENTROPY]: entropy,
  [Metric.DISCERNIBILITY]: discernibility,
  [Metric.AVERAGE_CLASS_SIZE]: averageClassSize,
  [Metric.PRECISION]: precision,
  [Metric.HEIGHT]: height,
};

/** The function that computes a metric. */
export const lossFunction = (frame: Frame, choice: MetricChoice): LossFunction => {
  const make = METRICS[choice.metric];
  if (!make) throw new RangeError('the metric is unknown');
  return make(frame, choice);
};

/** Compares two losses number by number. */
export const compareLoss = (left: readonly number[], right: readonly number[]): number => {
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
};
