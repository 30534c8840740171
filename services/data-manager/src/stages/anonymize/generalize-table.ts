import {
  Aggregate,
  Metric,
  type AnonymizationStep,
  type Generalize,
  type GeneralizedColumn,
} from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { classQuery } from '../../privacy/dictionary.ts';
import type { Aggregate as AggregateName, MetricOptions } from '../../privacy/metrics.ts';
import { kAnonymity } from '../../privacy/models/k-anonymity.ts';
import { suppressibleRows } from '../../privacy/models/model.ts';
import { generalize, keyColumns, packKey, type Choice, type SuppressedClasses } from '../../privacy/steps/generalize.ts';
import { columnOf, type Relation } from '../../privacy/steps/relation.ts';
import { findLevels } from './find-levels.ts';
import type { FoundLevels } from './level-search.ts';
import { loadTexts, makeDictionary, type Dictionary, type DictionaryContext } from './dictionaries.ts';
import { applyMissingLeaf, type MissingLeaves } from './missing-leaf.ts';
import { stageError } from '../../domain/run-error.ts';

export type ChosenLevel = { column: string; level: number; highestLevel: number; fixed: boolean };

/** What a step over classes decided. `metric` is empty where nothing was searched for. */
export type Decision = { levels: ChosenLevel[]; metric: string; loss: number; tieCount: number; suppressedCount: number };

export type GeneralizeInput = {
  context: DictionaryContext;
  table: Table;
  relation: Relation;
  step: Generalize;
  /** The table's steps after this one. */
  later: readonly AnonymizationStep[];
  /** Rows into the stage without those that were dropped, and those that earlier steps removed: they count against the limit. */
  rowsIn: number;
  removedCount: number;
  signal: AbortSignal;
  onProgress: (settledNodes: number, totalNodes: number) => void;
};

const AGGREGATES: Partial<Record<Aggregate, AggregateName>> = {
  [Aggregate.GEOMETRIC_MEAN]: 'geometricMean',
  [Aggregate.ARITHMETIC_MEAN]: 'arithmeticMean',
  [Aggregate.SUM]: 'sum',
  [Aggregate.MAXIMUM]: 'maximum',
  [Aggregate.RANK]: 'rank',
};

const METRICS: Record<Metric, MetricOptions> = {
  [Metric.UNSPECIFIED]: { kind: 'loss' },
  [Metric.LOSS]: { kind: 'loss' },
  [Metric.NON_UNIFORM_ENTROPY]: { kind: 'nonUniformEntropy', ignoresSuppression: true },
  [Metric.DISCERNIBILITY]: { kind: 'discernibility' },
  [Metric.AVERAGE_CLASS_SIZE]: { kind: 'averageClassSize' },
  [Metric.PRECISION]: { kind: 'precision' },
  [Metric.HEIGHT]: { kind: 'height' },
};

const metricOptions = (step: Generalize): MetricOptions => {
  const aggregate = AGGREGATES[step.search?.aggregate ?? Aggregate.UNSPECIFIED];
  return { ...METRICS[step.search?.metric ?? Metric.UNSPECIFIED], ...(aggregate === undefined ? {} : { aggregate }) };
};

/** The k of each model of a table's requirement. */
const kOf = ({ privacy }: Table): number[] => (privacy?.models ?? []).flatMap(({ model }) => (model === undefined ? [] : [model.value.k]));

const leaves = (steps: readonly AnonymizationStep[], column: string): boolean =>
  steps.some(({ operation }) => {
    if (operation?.$case === 'pseudonymize') return operation.value.columns.includes(column);
    return operation?.$case === 'suppress' && operation.value.scope === SuppressScope.COLUMN && operation.value.columns.includes(column);
  });

const laterScheme = (steps: readonly AnonymizationStep[], column: string): GeneralizedColumn | undefined =>
  steps
    .flatMap(({ operation }) => (operation?.$case === 'generalize' ? operation.value.columns : []))
    .find((entry) => entry.column === column && entry.level !== undefined);

/** The generalized columns of this step and of later ones, whose dictionaries are made here too. */
const generalizedFrom = ({ step, later }: GeneralizeInput): GeneralizedColumn[] =>
  [step, ...later.flatMap(({ operation }) => (operation?.$case === 'generalize' ? [operation.value] : []))].flatMap(
    ({ columns }) => columns,
  );

/** Whether classes decide here: in the searched step, or else in the last one, unless cells are suppressed later. */
const looksAtClasses = ({ step, later, table }: GeneralizeInput, isSearchedElsewhere: boolean): boolean => {
  if (step.search !== undefined) return true;
  if (kOf(table).length === 0 || isSearchedElsewhere) return false;
  return !later.some(
    ({ operation }) =>
      operation?.$case === 'generalize' || (operation?.$case === 'suppress' && operation.value.scope === SuppressScope.CELL),
  );
};

/** The dictionaries of all columns that make up classes when the table is done: later fixed levels count, columns that leave do not. */
const classDictionaries = async (input: GeneralizeInput, own: ReadonlyMap<string, Dictionary>): Promise<Dictionary[]> => {
  const { context, relation, later, table } = input;
  const dictionaries: Dictionary[] = [];
  for (const column of relation.columns) {
    if (column.role !== Role.QUASI_IDENTIFYING || leaves(later, column.name)) continue;
    dictionaries.push(
      own.get(column.name) ?? (await makeDictionary(context, { table: table.name, relation, column }, laterScheme(later, column.name))),
    );
  }
  return dictionaries;
};

/** Puts the suppressed classes into a table of the engine; `codes` are those of each dimension at its level. */
const suppressClasses = async (
  context: DictionaryContext,
  dictionaries: readonly Dictionary[],
  { node, suppressed: codes }: FoundLevels,
): Promise<SuppressedClasses> => {
  const choices = dictionaries.map(({ name, dimension }, index): Choice => ({
    column: dimension.column,
    dictionary: name,
    level: node[index] ?? 0,
  }));
  const sizes = dictionaries.map(({ dimension }, index) => dimension.sizes[node[index] ?? 0] ?? 0);
  // The search numbers a level's values in its own order; the engine's table knows them by the dictionary's.
  const raw = dictionaries.map(({ dimension, rawCodes }, index) => {
    const level = node[index] ?? 0;
    const toRaw = new Int32Array(sizes[index] ?? 0);
    dimension.codes[level]?.forEach((code, leaf) => {
      toRaw[code] = rawCodes[level]?.[leaf] ?? 0;
    });
    return toRaw;
  });
  const keys = function* (): Generator<string[]> {
    for (let index = 0; index < (codes[0]?.length ?? 0); index += 1) {
      const own = raw.map((toRaw, column) => toRaw[codes[column]?.[index] ?? 0] ?? 0);
      yield packKey(sizes, own).map(String);
    }
  };
  const table = `_suppressed${context.made.length}`;
  context.made.push(table);
  await loadTexts(context, table, keyColumns(sizes), keys());
  return { choices, sizes, table };
};

const decideByClasses = async (
  input: GeneralizeInput,
  own: ReadonlyMap<string, Dictionary>,
): Promise<{ decision: Decision; levels: Map<string, number>; suppressed?: SuppressedClasses }> => {
  const { context, relation, table, step, signal, onProgress } = input;
  const dictionaries = await classDictionaries(input, own);
  const dimensions = dictionaries.map(({ dimension }) => dimension);
  const columns = dictionaries.map(({ name, dimension }) => ({ column: dimension.column, dictionary: name }));
  const classes = await context.engine.integers(classQuery(relation, columns));
  const ks = kOf(table);
  if (ks.length === 0) throw stageError('REQUIREMENT_MISSING', { table: table.name });
  const allowedRows = suppressibleRows(table.privacy?.suppressionLimit ?? 0, input.rowsIn) - input.removedCount;
  const job = {
    codes: classes.slice(0, -1),
    counts: classes.at(-1) ?? new Int32Array(),
    dimensions,
    ks,
    metric: metricOptions(step),
    allowedRows,
  };
  const result = await findLevels(job, { table: table.name, signal, onProgress });
  if ('suppressedAtTop' in result)
    throw stageError('REQUIREMENT_UNREACHABLE', {
      table: table.name,
      models: ks.map((k) => kAnonymity(k).description).join(', '),
      limit: Math.max(0, allowedRows),
      count: input.rowsIn,
      suppressed: result.suppressedAtTop,
    });
  const { found } = result;
  const levels = new Map(dimensions.map(({ column }, index): [string, number] => [column, found.node[index] ?? 0]));
  const decision: Decision = {
    levels: [],
    metric: step.search === undefined ? '' : found.metricName,
    loss: step.search === undefined ? 0 : found.loss,
    tieCount: found.tieCount,
    suppressedCount: found.suppressedCount,
  };
  if (found.suppressedCount === 0) return { decision, levels };
  return { decision, levels, suppressed: await suppressClasses(context, dictionaries, found) };
};

/**
 * Runs a Generalize step: makes the dictionaries of its columns, searches for levels where the step asks for it, and removes the rows of
 * classes that violate the requirement, as far as the limit allows. With fixed levels alone, that is done in the table's last such step.
 * Throws REQUIREMENT_UNREACHABLE where no levels hold the requirement.
 */
export const generalizeTable = async (
  given: GeneralizeInput,
  isSearchedElsewhere: boolean,
): Promise<{ relation: Relation; decision: Decision; missing: MissingLeaves }> => {
  const { context, step, table } = given;
  const missing = await applyMissingLeaf(context, table.name, given.relation, generalizedFrom(given));
  const { relation } = missing;
  const droppedCount = missing.dropped.reduce((sum, { count }) => sum + count, 0);
  const input: GeneralizeInput = {
    ...given,
    relation,
    rowsIn: given.rowsIn - droppedCount,
    removedCount: given.removedCount + missing.suppressedCount,
  };
  const own = new Map<string, Dictionary>();
  for (const entry of step.columns) {
    const column = columnOf(table.name, relation, entry.column);
    if (entry.level === undefined && step.search === undefined)
      throw stageError('STEP_LEVEL_MISSING', { table: table.name, column: column.name });
    if (entry.level === undefined && column.role !== Role.QUASI_IDENTIFYING)
      throw stageError('STEP_ROLE_MISMATCH', { table: table.name, column: column.name });
    own.set(column.name, await makeDictionary(context, { table: table.name, relation, column }, entry));
  }
  const byClasses = looksAtClasses(input, isSearchedElsewhere) ? await decideByClasses(input, own) : undefined;
  const levels: ChosenLevel[] = step.columns.map(({ column, level }) => ({
    column,
    level: level ?? byClasses?.levels.get(column) ?? 0,
    highestLevel: (own.get(column)?.dimension.codes.length ?? 1) - 1,
    fixed: level !== undefined,
  }));
  const choices = levels.map(({ column, level }): Choice => ({ column, level, dictionary: own.get(column)?.name ?? '' }));
  const decision = byClasses?.decision ?? { levels: [], metric: '', loss: 0, tieCount: 0, suppressedCount: 0 };
  return { relation: generalize(table.name, relation, choices, byClasses?.suppressed), decision: { ...decision, levels }, missing };
};
