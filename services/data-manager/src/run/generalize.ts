// A Generalize step on the engine: classes out, search here, labels back as one projection and an anti-join.
import { Aggregate, Metric, type Generalize, type Hierarchy } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { LevelChoice } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { BaseType, Column, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, writeTextSql } from '../plan/types.ts';
import { classTable, rollUp, type ClassTable } from '../privacy/class-table.ts';
import { makeDimension, type Dimension } from '../privacy/hierarchy.ts';
import { labelsOf, plainLabels, type Labels } from './level-labels.ts';
import { makeMetric, type Aggregate as AggregateName, type MetricKind } from '../privacy/metrics.ts';
import { kAnonymity } from '../privacy/models/k-anonymity.ts';
import { violatesAny, type PrivacyModel } from '../privacy/models/model.ts';
import { search } from '../privacy/search.ts';
import { RunFailure } from './failure.ts';
import type { StageContext } from './stage.ts';

/** A step's result: its columns, a query over the relation, the rows that went, and what was chosen. */
export type Generalized = { columns: Column[]; query: string; suppressed: number; levels: LevelChoice[]; metric: string; loss: number };

type Prepared = { column: Column; labels: Labels; dimension: Dimension; fixed: boolean; generalized: boolean };

const METRICS: Record<number, MetricKind> = {
  [Metric.UNSPECIFIED]: 'loss',
  [Metric.LOSS]: 'loss',
  [Metric.NON_UNIFORM_ENTROPY]: 'nonUniformEntropy',
  [Metric.DISCERNIBILITY]: 'discernibility',
  [Metric.AVERAGE_CLASS_SIZE]: 'averageClassSize',
  [Metric.PRECISION]: 'precision',
  [Metric.HEIGHT]: 'height',
};
const AGGREGATES: Record<number, AggregateName> = {
  [Aggregate.GEOMETRIC_MEAN]: 'geometricMean',
  [Aggregate.ARITHMETIC_MEAN]: 'arithmeticMean',
  [Aggregate.SUM]: 'sum',
  [Aggregate.MAXIMUM]: 'maximum',
  [Aggregate.RANK]: 'rank',
};

const textOf = (column: Column): string => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB);

const distinctValues = async ({ engine }: StageContext, rows: string, column: Column): Promise<(string | null)[]> =>
  (await engine.sql(`SELECT DISTINCT ${textOf(column)} AS value FROM ${rows} ORDER BY value`)).rows.map(([value]) => value ?? null);

const codesOf = (labels: readonly (string | null)[]): Int32Array => {
  const codes = new Map<string | null, number>();
  return Int32Array.from(labels, (label) => {
    const known = codes.get(label) ?? codes.size;
    codes.set(label, known);
    return known;
  });
};

const prepareColumn = async (
  context: StageContext,
  rows: string,
  column: Column,
  step: Generalize,
  hierarchies: readonly Hierarchy[],
): Promise<Prepared> => {
  const values = await distinctValues(context, rows, column);
  const generalized = step.columns.find((candidate) => candidate.column === column.name);
  const labels = generalized ? labelsOf(generalized, values, hierarchies) : plainLabels(column.name, values);
  const fixed = generalized?.level ?? (generalized ? undefined : 0);
  const dimension = makeDimension(column.name, `Column ${column.name}`, labels.leaves.length, labels.labels.slice(1).map(codesOf), fixed);
  return { column, labels, dimension, fixed: fixed !== undefined, generalized: generalized !== undefined };
};

const csvField = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);

/** A table of leaves: value, code, and the label and its code at the chosen level. */
const loadLeaves = async (
  { engine, directory }: StageContext,
  name: string,
  { labels, dimension }: Prepared,
  level: number,
): Promise<void> => {
  const path = join(directory, `${name}.csv`);
  const lines = labels.leaves.map((value, leaf) =>
    [csvField(value), String(leaf), csvField(labels.labels[level]?.[leaf] ?? null), String(dimension.codes[level]?.[leaf] ?? 0)].join(','),
  );
  await writeFile(path, lines.map((text) => `${text}\n`).join(''), { mode: 0o600 });
  await engine.copyIn(
    name,
    [path],
    [
      { name: 'value', type: 'VARCHAR' },
      { name: 'leaf', type: 'INTEGER' },
      { name: 'label', type: 'VARCHAR' },
      { name: 'code', type: 'INTEGER' },
    ],
  );
};

const joins = (prepared: readonly Prepared[]): string =>
  prepared.map(({ column }, index) => `JOIN leaves_${index} l${index} ON l${index}.value IS NOT DISTINCT FROM ${textOf(column)}`).join(' ');

const readClasses = async (context: StageContext, rows: string, prepared: readonly Prepared[]): Promise<ClassTable> => {
  for (const [index, column] of prepared.entries()) await loadLeaves(context, `leaves_${index}`, column, 0);
  const codes = prepared.map((_, index) => `l${index}.leaf`);
  const columns = await context.engine.integers(
    `SELECT ${[...codes, 'CAST(count(*) AS INTEGER)'].join(', ')} FROM ${rows} ${joins(prepared)}${codes.length > 0 ? ` GROUP BY ${codes.join(', ')}` : ''}`,
  );
  return classTable(columns.slice(0, -1), columns.at(-1) ?? new Int32Array());
};

const modelsOf = (table: Table): PrivacyModel[] =>
  (table.privacy?.models ?? []).map(({ model }) => {
    if (model?.$case === 'kAnonymity') return kAnonymity(model.value.k);
    throw new RunFailure('MODEL_UNKNOWN', `a requirement of table ${table.name} names an unknown model`, {});
  });

type Choice = { node: number[]; metric: string; loss: number };

const choose = async (
  context: StageContext,
  table: Table,
  step: Generalize,
  prepared: readonly Prepared[],
  classes: ClassTable,
  models: readonly PrivacyModel[],
): Promise<Choice> => {
  const dimensions = prepared.map(({ dimension }) => dimension);
  if (!step.search) return { node: dimensions.map(({ lowest }) => lowest), metric: '', loss: 0 };
  const kind = METRICS[step.search.metric] ?? 'loss';
  const aggregate = AGGREGATES[step.search.aggregate];
  const metric = makeMetric({ kind, ...(aggregate === undefined ? {} : { aggregate }) }, dimensions, classes);
  const onProgress = ({ settledNodes, totalNodes }: { settledNodes: number; totalNodes: number }): void =>
    context.onProgress({ table: `${table.name}: search`, rowCount: settledNodes, totalRowCount: totalNodes });
  const found = await search(classes, dimensions, {
    models,
    metric,
    suppressionLimit: table.privacy?.suppressionLimit ?? 0,
    signal: context.signal,
    onProgress,
  });
  if (!found)
    throw new RunFailure(
      'NOT_ANONYMOUS',
      `no choice of levels meets the requirement of table ${table.name} within its suppression limit`,
      {},
    );
  return { node: found.node, metric: aggregate === undefined ? kind : `${kind} (${aggregate})`, loss: found.score[0] ?? 0 };
};

/** The classes that fail a model at the node, as a table of codes; answers the rows in them. */
const loadFailing = async (
  context: StageContext,
  prepared: readonly Prepared[],
  classes: ClassTable,
  models: readonly PrivacyModel[],
  node: number[],
): Promise<number> => {
  const rolled = rollUp(
    classes,
    prepared.map(({ dimension }) => dimension),
    node,
  );
  const lines: string[] = [];
  let rows = 0;
  for (let index = 0; index < rolled.classCount; index++) {
    if (!violatesAny(models, rolled, index)) continue;
    rows += rolled.rowCounts[index] ?? 0;
    lines.push(`${rolled.codes.map((codes) => codes[index]).join(',')}\n`);
  }
  const path = join(context.directory, 'failing.csv');
  await writeFile(path, lines.join(''), { mode: 0o600 });
  await context.engine.copyIn(
    'failing',
    [path],
    prepared.map((_, index) => ({ name: `c${index}`, type: 'INTEGER' })),
  );
  return rows;
};

const resultColumn = ({ column, generalized }: Prepared): Column =>
  generalized ? Column.fromPartial({ ...column, type: { base: BaseType.STRING, precision: 0, scale: 0 }, range: undefined }) : column;

/** Applies a step to the relation `rows`. With a search, rows of classes that fail the requirement are suppressed. */
export const generalize = async (
  context: StageContext,
  rows: string,
  columns: readonly Column[],
  table: Table,
  step: Generalize,
  hierarchies: readonly Hierarchy[],
): Promise<Generalized> => {
  const inStep = (column: Column): boolean =>
    column.role === Role.QUASI_IDENTIFYING || step.columns.some((candidate) => candidate.column === column.name);
  const prepared: Prepared[] = [];
  for (const column of columns.filter(inStep)) prepared.push(await prepareColumn(context, rows, column, step, hierarchies));
  const classes = await readClasses(context, rows, prepared);
  const models = step.search ? modelsOf(table) : [];
  const { node, metric, loss } = await choose(context, table, step, prepared, classes, models);
  const suppressed = await loadFailing(context, prepared, classes, models, node);
  for (const [index, column] of prepared.entries()) await loadLeaves(context, `leaves_${index}`, column, node[index] ?? 0);
  const projected = columns.map((column) => {
    const index = prepared.findIndex((candidate) => candidate.column.name === column.name);
    return index >= 0 && prepared[index]?.generalized
      ? `l${index}.label AS ${quoteIdentifier(column.name)}`
      : `r.${quoteIdentifier(column.name)}`;
  });
  const fails = prepared.map((_, index) => `f.c${index} = l${index}.code`).join(' AND ');
  const query = `SELECT ${projected.join(', ')} FROM ${rows} r ${joins(prepared)}${suppressed > 0 ? ` WHERE NOT EXISTS (SELECT 1 FROM failing f WHERE ${fails})` : ''}`;
  const byName = new Map(prepared.map((column) => [column.column.name, resultColumn(column)]));
  const levels = prepared.flatMap(({ column, dimension, fixed, generalized }, index) =>
    generalized ? [{ column: column.name, level: node[index] ?? 0, highestLevel: dimension.codes.length - 1, fixed }] : [],
  );
  return { columns: columns.map((column) => byName.get(column.name) ?? column), query, suppressed, levels, metric, loss };
};
