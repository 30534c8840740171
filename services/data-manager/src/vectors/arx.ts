// The arx vectors: known optima and known losses of single nodes, on tables and hierarchies of a folder.
import { Aggregate, Metric, type Hierarchy } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { baseClasses, packingOf, toDimension } from '../privacy/class-table.ts';
import { levelsOf } from '../privacy/hierarchy.ts';
import { compareLoss, type Frame, type MetricChoice } from '../privacy/metrics.ts';
import type { Model } from '../privacy/model.ts';
import { kAnonymity } from '../privacy/models/k-anonymity.ts';
import { classesAt, measure, search } from '../privacy/search.ts';

type ModelCase = { model: string; k?: number };
type Case = {
  suite?: string;
  qis: string[];
  suppressionLimit: number;
  metric: string;
  gsFactor?: number;
  aggregate?: string;
  ignoresSuppression?: boolean;
  models: ModelCase[];
  node?: number[];
  loss?: number | number[];
  anonymousNodes?: number;
  globalOptimum?: boolean | null;
  nodes?: [number[], number | number[]][];
};
type Vectors = { about: { table: string }; cases: Case[] };

const METRICS: Record<string, Metric> = {
  loss: Metric.LOSS,
  nonUniformEntropy: Metric.NON_UNIFORM_ENTROPY,
  discernibility: Metric.DISCERNIBILITY,
  averageClassSize: Metric.AVERAGE_CLASS_SIZE,
  precision: Metric.PRECISION,
  height: Metric.HEIGHT,
};
const AGGREGATES: Record<string, Aggregate> = {
  geometricMean: Aggregate.GEOMETRIC_MEAN,
  arithmeticMean: Aggregate.ARITHMETIC_MEAN,
  mean: Aggregate.ARITHMETIC_MEAN,
  sum: Aggregate.SUM,
  max: Aggregate.MAXIMUM,
  maximum: Aggregate.MAXIMUM,
  rank: Aggregate.RANK,
};
const TOLERANCE = 1e-9;

const readTable = (file: string): Record<string, string>[] =>
  parse(readFileSync(file), { delimiter: ';', columns: true, bom: true, relax_quotes: true });

const readHierarchy = (folder: string, table: string, column: string): Hierarchy => ({
  name: column,
  table: '',
  rows: (
    parse(readFileSync(join(folder, `${table}_hierarchy_${column}.csv`)), { delimiter: ';', bom: true, relax_quotes: true }) as string[][]
  ).map((levels) => ({ levels })),
});

const frameOf = (folder: string, table: string, rows: Record<string, string>[], qis: string[]): Frame => {
  const columns = qis.map((column) => {
    const values = [...new Set(rows.map((row) => row[column] ?? ''))];
    const codes = new Map(values.map((value, code) => [value, code]));
    const levels = levelsOf({ column, scheme: { $case: 'hierarchy', value: column }, level: undefined }, values, [
      readHierarchy(folder, table, column),
    ]);
    return { dimension: toDimension(levels), codes: Int32Array.from(rows, (row) => codes.get(row[column] ?? '') ?? 0) };
  });
  const dimensions = columns.map(({ dimension }) => dimension);
  const packing = packingOf(dimensions);
  const base = baseClasses(
    packing,
    columns.map(({ codes }) => codes),
    new Int32Array(rows.length).fill(1),
  );
  return { dimensions, packing, base, rowCount: rows.length };
};

const modelOf = ({ model, k }: ModelCase): Model => {
  if (model === 'KAnonymity' && k !== undefined) return kAnonymity(k);
  throw new RangeError(`the model ${model} is not built`);
};

const choiceOf = ({ metric, aggregate, gsFactor, ignoresSuppression }: Case): MetricChoice => {
  const chosen = METRICS[metric];
  if (chosen === undefined) throw new RangeError(`the metric ${metric} is unknown`);
  if (aggregate !== undefined && AGGREGATES[aggregate] === undefined) throw new RangeError(`the aggregate ${aggregate} is unknown`);
  return {
    metric: chosen,
    aggregate: AGGREGATES[aggregate ?? ''] ?? Aggregate.UNSPECIFIED,
    gsFactor: gsFactor ?? 0.5,
    ignoresSuppression: ignoresSuppression ?? false,
  };
};

const asList = (loss: number | number[] | undefined): number[] => (Array.isArray(loss) ? loss : [loss ?? Number.NaN]);
const equal = (left: readonly number[], right: readonly number[]): boolean =>
  left.length === right.length &&
  left.every((value, at) => Math.abs(value - (right[at] ?? Number.NaN)) <= TOLERANCE * Math.max(1, Math.abs(value)));

const checkNode = (frame: Frame, vector: Case, node: number[], loss: number | number[] | undefined): string | undefined => {
  const found = measure(frame, vector.models.map(modelOf), choiceOf(vector))(node, classesAt(frame, node));
  return equal(found.loss, asList(loss))
    ? undefined
    : `node ${node.join(',')}: loss ${found.loss.join(',')} instead of ${asList(loss).join(',')}`;
};

const checkSearch = async (frame: Frame, vector: Case): Promise<string | undefined> => {
  const { best, ties, feasible } = await search(frame, {
    models: vector.models.map(modelOf),
    suppressionLimit: vector.suppressionLimit,
    choice: choiceOf(vector),
    fixedLevels: [],
  });
  if (!best) return 'no node is feasible';
  const [wanted, node] = [asList(vector.loss), (vector.node ?? []).join(',')];
  if (vector.globalOptimum === null)
    return compareLoss(best.loss, wanted) <= TOLERANCE * Math.max(1, Math.abs(wanted[0] ?? 0))
      ? undefined
      : `the search found ${best.loss.join(',')}, above ${wanted.join(',')}`;
  if (!equal(best.loss, wanted)) return `the search found ${best.loss.join(',')} at ${best.node.join(',')} instead of ${wanted.join(',')}`;
  if (!ties.some((tie) => tie.join(',') === node)) return `the node ${node} is not among the ${ties.length} best`;
  return vector.anonymousNodes !== undefined && vector.anonymousNodes !== feasible
    ? `${feasible} nodes are feasible instead of ${vector.anonymousNodes}`
    : undefined;
};

const checkCase = async (frame: Frame, vector: Case): Promise<string | undefined> => {
  if (vector.nodes) {
    for (const [node, loss] of vector.nodes) {
      const problem = checkNode(frame, vector, node, loss);
      if (problem !== undefined) return problem;
    }
    return undefined;
  }
  const atNode = checkNode(frame, vector, vector.node ?? [], vector.loss);
  return atNode ?? (vector.globalOptimum === false ? undefined : checkSearch(frame, vector));
};

const readModels = (options: string[]): Set<string> | undefined => {
  const at = options.indexOf('--models');
  return at < 0 ? undefined : new Set((options[at + 1] ?? '').split(','));
};

/** Runs both files of a folder; `--models A,B` takes the cases whose models are all in the list. */
export const run = async (folder: string, options: string[]): Promise<{ passed: number; failed: number }> => {
  const wanted = readModels(options);
  const frames = new Map<string, Frame>();
  let [passed, failed] = [0, 0];
  for (const file of ['vectors-optimum.json', 'vectors-per-node.json']) {
    const { about, cases } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Vectors;
    const rows = readTable(join(folder, `${about.table}.csv`));
    for (const [index, vector] of cases.entries()) {
      if (wanted && !vector.models.every(({ model }) => wanted.has(model))) continue;
      let problem: string | undefined;
      try {
        const key = `${about.table}|${vector.qis.join(',')}`;
        const frame = frames.get(key) ?? frameOf(folder, about.table, rows, vector.qis);
        frames.set(key, frame);
        problem = await checkCase(frame, vector);
      } catch (error) {
        problem = error instanceof Error ? error.message : 'failed';
      }
      if (problem === undefined) passed += 1;
      else {
        failed += 1;
        process.stdout.write(`${file} case ${index} (${vector.suite ?? vector.metric}): ${problem}\n`);
      }
    }
  }
  return { passed, failed };
};
