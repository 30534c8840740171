import { VectorError } from './vector-error.ts';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { evaluateNode, type Criteria } from '../privacy/evaluate.ts';
import { makeMetric, type Aggregate, type MetricKind, type MetricOptions } from '../privacy/metrics.ts';
import { kAnonymity } from '../privacy/models/k-anonymity.ts';
import type { PrivacyModel } from '../privacy/models/model.ts';
import { search } from '../privacy/search.ts';
import { arxTable, readArxFolder, type ArxAbout, type ArxFolder } from './arx-table.ts';

type ModelEntry = { model: string; k?: number };

type CaseBase = {
  qis: string[];
  suppressionLimit: number;
  metric: string;
  ignoresSuppression?: boolean;
  gsFactor?: number;
  aggregate?: string;
  models: ModelEntry[];
};

type Loss = number | number[];

type OptimumCase = CaseBase & { node: number[]; loss: Loss; anonymousNodes?: number; globalOptimum: boolean | null };

type NodesCase = CaseBase & { nodes: [number[], Loss][] };

type Setting = { dimensions: ReturnType<typeof arxTable>['dimensions']; table: ReturnType<typeof arxTable>['table'] };

const KINDS: readonly MetricKind[] = ['loss', 'nonUniformEntropy', 'discernibility', 'averageClassSize', 'precision', 'height'];
const AGGREGATES: readonly Aggregate[] = ['geometricMean', 'arithmeticMean', 'sum', 'maximum', 'rank'];

const RELATIVE_TOLERANCE = 1e-9;

/** The models that are built; a case with another one is reported as failed. */
const buildModel = ({ model, k }: ModelEntry): PrivacyModel => {
  if (model === 'KAnonymity' && k !== undefined) return kAnonymity(k);
  throw new VectorError(`the model ${model} is not built`);
};

const metricOptions = (entry: CaseBase): MetricOptions => {
  const kind = KINDS.find((name) => name === entry.metric);
  if (kind === undefined) throw new VectorError(`the metric ${entry.metric} is not known`);
  const aggregate = AGGREGATES.find((name) => name === entry.aggregate);
  if (entry.aggregate !== undefined && aggregate === undefined) throw new VectorError(`the aggregate ${entry.aggregate} is not known`);
  return {
    kind,
    ...(aggregate === undefined ? {} : { aggregate }),
    ...(entry.gsFactor === undefined ? {} : { gsFactor: entry.gsFactor }),
    ...(entry.ignoresSuppression === undefined ? {} : { ignoresSuppression: entry.ignoresSuppression }),
  };
};

const toVector = (loss: Loss): number[] => (typeof loss === 'number' ? [loss] : loss);

/** Rank vectors are rounded to ten decimals on both sides, so half a unit more is allowed there. */
const isClose = (left: number, right: number, isVector: boolean): boolean =>
  Math.abs(left - right) <= RELATIVE_TOLERANCE * Math.max(Math.abs(left), Math.abs(right)) + (isVector ? 1.5e-10 : 0);

const isSame = (found: readonly number[], expected: Loss): boolean => {
  const vector = toVector(expected);
  return vector.length === found.length && vector.every((value, index) => isClose(value, found[index] ?? Number.NaN, vector.length > 1));
};

/** Whether the first loss is above the second by more than the tolerance. */
const isAbove = (found: readonly number[], expected: Loss): boolean => {
  const vector = toVector(expected);
  for (const [index, value] of vector.entries()) {
    const own = found[index] ?? Number.NaN;
    if (!isClose(own, value, vector.length > 1)) return !(own < value);
  }
  return false;
};

const atNode = (setting: Setting, criteria: Criteria, node: number[], expected: Loss): string[] => {
  const { score } = evaluateNode(setting.table, setting.dimensions, criteria, node);
  return isSame(score, expected) ? [] : [`at ${node.join(',')}: ${String(expected)} expected, ${String(score)} found`];
};

const runOptimum = async (setting: Setting, entry: OptimumCase): Promise<string[]> => {
  const models = entry.models.map(buildModel);
  const metric = makeMetric(metricOptions(entry), setting.dimensions, setting.table);
  const differences = atNode(setting, { models, metric }, entry.node, entry.loss);
  if (entry.globalOptimum === false) return differences;
  const found = await search(setting.table, setting.dimensions, { models, metric, suppressionLimit: entry.suppressionLimit });
  if (found === undefined) return [...differences, 'the search finds no node that holds the models'];
  if (entry.globalOptimum === null)
    return isAbove(found.score, entry.loss)
      ? [...differences, `the search's loss ${String(found.score)} is above ${String(entry.loss)}`]
      : differences;
  // The node itself need not be the expected one where several have this loss.
  if (!isSame(found.score, entry.loss)) differences.push(`optimum ${String(entry.loss)} expected, ${String(found.score)} found`);
  const isNode = found.node.every((level, index) => level === entry.node[index]);
  if (!isNode && found.tieCount === 1)
    differences.push(`node ${entry.node.join(',')} expected, ${found.node.join(',')} found, which has no tie`);
  return differences;
};

const runNodes = (setting: Setting, entry: NodesCase): string[] => {
  const models = entry.models.map(buildModel);
  const metric = makeMetric(metricOptions(entry), setting.dimensions, setting.table);
  return entry.nodes.flatMap(([node, loss]) => atNode(setting, { models, metric }, node, loss));
};

const chosenModels = (options: readonly string[]): string[] | undefined => {
  const position = options.findIndex((option) => option === '--models' || option.startsWith('--models='));
  if (position < 0) return undefined;
  const text = options[position]?.startsWith('--models=') === true ? options[position].slice('--models='.length) : options[position + 1];
  if (text === undefined || text === '') throw new VectorError('--models needs names, separated by commas');
  return text.split(',');
};

type File<Entry> = { about: ArxAbout; cases: Entry[] };

const readCases = async <Entry>(folder: string, name: string): Promise<File<Entry>> =>
  JSON.parse(await readFile(join(folder, name), 'utf8')) as File<Entry>;

const selected = <Entry extends CaseBase>(cases: readonly Entry[], models: readonly string[] | undefined): [number, Entry][] =>
  [...cases.entries()].filter(([, entry]) => models === undefined || entry.models.every(({ model }) => models.includes(model)));

/** Settings by their quasi-identifying columns: encoding a table is dearer than most searches. */
const makeSettings = (folder: ArxFolder): ((qis: readonly string[]) => Setting) => {
  const known = new Map<string, Setting>();
  return (qis) => {
    const key = JSON.stringify(qis);
    const setting = known.get(key) ?? arxTable(folder, qis);
    known.set(key, setting);
    return setting;
  };
};

/**
 * Runs the cases of a folder laid out like `adult-arx`: known optima, and known losses of single nodes. `--models A,B` takes the cases whose
 * models are all named. Prints a line for each failing case.
 */
export const run = async (folder: string, options: string[]): Promise<{ passed: number; failed: number }> => {
  const models = chosenModels(options);
  const optimum = await readCases<OptimumCase>(folder, 'vectors-optimum.json');
  const perNode = await readCases<NodesCase>(folder, 'vectors-per-node.json');
  const optima = selected(optimum.cases, models);
  const nodes = selected(perNode.cases, models);
  const names = [...new Set([...optima, ...nodes].flatMap(([, { qis }]) => qis))];
  const settingOf = makeSettings(await readArxFolder(folder, optimum.about, names));
  const checks = [
    ...optima.map(([index, entry]) => ({
      label: `vectors-optimum case ${index + 1}`,
      task: async () => runOptimum(settingOf(entry.qis), entry),
    })),
    ...nodes.map(([index, entry]) => ({
      label: `vectors-per-node case ${index + 1}`,
      task: async () => runNodes(settingOf(entry.qis), entry),
    })),
  ];
  let failed = 0;
  for (const { label, task } of checks) {
    const differences = await task().catch((error: unknown) => [error instanceof Error ? error.message : 'an unknown error']);
    if (differences.length === 0) continue;
    failed += 1;
    console.log(`FAILED ${label}: ${differences.join('; ')}`);
  }
  return { passed: checks.length - failed, failed };
};
