import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingLeaf, type GeneralizedColumn, type Hierarchy } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { csvLine } from '../../engine/csv-dialect.ts';
import type { Engine } from '../../engine/engine.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier, quoteList, quoteLiteral } from '../../plan/identifiers.ts';
import { columnType, writeTextSql } from '../../plan/types.ts';
import {
  hierarchyDictionary,
  hierarchyLeavesQuery,
  leaflessRowsQuery,
  leaflessValuesQuery,
  levelCodesQuery,
  plainDictionary,
  refusedRowsQuery,
  schemeDictionary,
} from '../../privacy/dictionary.ts';
import { checkRows, makeDimension, type Dimension } from '../../privacy/hierarchy.ts';
import { labelScheme } from '../../privacy/labels.ts';
import type { Relation } from '../../privacy/steps/relation.ts';
import type { KeepMissingLeaves } from '../stage.ts';
import type { StageTable } from '../stage-manifest.ts';
import { stageError } from '../../domain/run-error.ts';

/** What dictionaries are made with; `folder` takes short-lived files. */
export type DictionaryContext = {
  engine: Engine;
  directory: string;
  folder: string;
  hierarchies: readonly Hierarchy[];
  tables: readonly StageTable[];
  /** Engine tables made so far, to be dropped by the owner. */
  made: string[];
  keepMissingLeaves: KeepMissingLeaves;
};

const KEPT_VALUES = 1_000;
const KEPT_CHARACTERS = 1_000;

/** Keeps the values of a column that have no leaf: the error and the report say their number alone. */
export const keepLeafless = async (
  context: DictionaryContext,
  table: string,
  { relation, column, hierarchy }: { relation: Relation; column: Column; hierarchy: string },
): Promise<void> => {
  const query = leaflessValuesQuery(relation, column, { hierarchy, limit: KEPT_VALUES, characters: KEPT_CHARACTERS });
  const { rows } = await context.engine.sql(query);
  const values = rows.map(([value, count]) => ({ value: value ?? '', rowCount: BigInt(count ?? 0) }));
  await context.keepMissingLeaves(table, column.name, values);
};

/** A dictionary in the engine, as the search sees it; `rawCodes[level][leaf]` are the engine's own codes. */
export type Dictionary = { name: string; dimension: Dimension; rawCodes: Int32Array[] };

const numbersOf = async (engine: Engine, query: string): Promise<number[]> => {
  const { rows } = await engine.sql(query);
  return (rows[0] ?? []).map(Number);
};

// Between two parts other work has its turn.
const ROWS_A_PART = 5_000;

const csvParts = function* (rows: Iterable<readonly string[]>): Generator<string> {
  let lines: string[] = [];
  for (const row of rows) {
    lines.push(csvLine(row));
    if (lines.length < ROWS_A_PART) continue;
    yield lines.join('');
    lines = [];
  }
  yield lines.join('');
};

/** Puts rows of texts into an engine table, exactly. */
export const loadTexts = async (
  context: DictionaryContext,
  name: string,
  columns: { name: string; type: string }[],
  rows: Iterable<readonly string[]>,
): Promise<void> => {
  const path = join(context.folder, `${name}.csv`);
  await writeFile(path, csvParts(rows), { mode: 0o600 });
  await context.engine.copyIn(name, [path], columns);
  await rm(path);
};

const collectedHierarchy = async (context: DictionaryContext, hierarchy: Hierarchy, name: string): Promise<number> => {
  const source = context.tables.find(({ table }) => table === hierarchy.table);
  if (source === undefined) throw stageError('HIERARCHY_TABLE_MISSING', { hierarchy: hierarchy.name, table: hierarchy.table });
  if (source.columns.length < 2 || source.segments.length === 0) throw stageError('HIERARCHY_EMPTY', { hierarchy: hierarchy.name });
  const paths = quoteList(source.segments.map(({ path }) => join(context.directory, path)));
  const texts = source.columns.map((column) => writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB));
  const levels = texts.map((text, level) => `${text} AS l${level}`);
  await context.engine.sql(`CREATE OR REPLACE TABLE ${quoteIdentifier(name)} AS SELECT ${levels.join(', ')} FROM read_parquet(${paths})`);
  const nulls = levels.map((_, level) => `l${level} IS NULL`).join(' OR ');
  const table = quoteIdentifier(name);
  const [gaps, repeated] = await numbersOf(
    context.engine,
    `SELECT count(*) FILTER (${nulls}), count(*) - count(DISTINCT l0) FROM ${table}`,
  );
  if (gaps !== 0) throw stageError('HIERARCHY_GAPS', { hierarchy: hierarchy.name, count: gaps ?? 0 });
  if (repeated !== 0) throw stageError('HIERARCHY_LEAF_REPEATED', { hierarchy: hierarchy.name, count: repeated ?? 0 });
  return source.columns.length;
};

/** Puts a hierarchy into an engine table (texts `l0`, `l1`, …) and returns the number of its levels. */
export const loadHierarchy = async (context: DictionaryContext, named: string, table: string): Promise<number> => {
  const hierarchy = context.hierarchies.find(({ name }) => name === named);
  if (hierarchy === undefined) throw stageError('HIERARCHY_UNKNOWN', { hierarchy: named });
  if (hierarchy.table !== '') return collectedHierarchy(context, hierarchy, table);
  const rows = hierarchy.rows.map(({ levels }) => levels);
  checkRows(hierarchy.name, rows);
  const levelCount = rows[0]?.length ?? 0;
  const columns = Array.from({ length: levelCount }, (_, level) => ({ name: `l${level}`, type: 'VARCHAR' }));
  await loadTexts(context, table, columns, rows);
  return levelCount;
};

/** The root of a hierarchy that was loaded. */
export const rootOf = async (engine: Engine, hierarchy: string, levelCount: number): Promise<string> =>
  (await engine.sql(`SELECT min(l${levelCount - 1}) FROM ${quoteIdentifier(hierarchy)}`)).rows[0]?.[0] ?? '';

/** Puts the root among the leaves, so that values that became it are generalized to it at each level. */
export const addRootLeaf = async (engine: Engine, hierarchy: string, levelCount: number): Promise<void> => {
  const root = quoteLiteral(await rootOf(engine, hierarchy, levelCount));
  const levels = Array.from({ length: levelCount }, () => root).join(', ');
  const table = quoteIdentifier(hierarchy);
  await engine.sql(`INSERT INTO ${table} SELECT ${levels} WHERE NOT EXISTS (SELECT 1 FROM ${table} WHERE l0 = ${root})`);
};

/** The column that a dictionary is made for, as it is at that point. */
export type DictionaryColumn = { table: string; relation: Relation; column: Column };

const fromHierarchy = async (
  context: DictionaryContext,
  { table, relation, column }: DictionaryColumn,
  { named, missingLeaf }: { named: string; missingLeaf: MissingLeaf },
  name: string,
): Promise<number> => {
  const source = `${name}_rows`;
  context.made.push(source);
  const levelCount = await loadHierarchy(context, named, source);
  const [unreadable, repeated] = await numbersOf(context.engine, hierarchyLeavesQuery(source, column));
  if (unreadable !== 0) throw stageError('HIERARCHY_LEAVES_UNREADABLE', { hierarchy: named, count: unreadable ?? 0, column: column.name });
  if (repeated !== 0) throw stageError('HIERARCHY_LEAVES_AMBIGUOUS', { hierarchy: named, count: repeated ?? 0, column: column.name });
  const countRows = (): Promise<number[]> => numbersOf(context.engine, leaflessRowsQuery(relation, column, source));
  let [nullRows = 0, leafless] = await countRows();
  if (leafless !== 0 && missingLeaf === MissingLeaf.ROOT) {
    await addRootLeaf(context.engine, source, levelCount);
    [nullRows = 0, leafless] = await countRows();
  }
  if (leafless !== 0) await keepLeafless(context, table, { relation, column, hierarchy: source });
  if (leafless !== 0) throw stageError('HIERARCHY_VALUE_UNKNOWN', { table, column: column.name, count: leafless ?? 0, hierarchy: named });
  await context.engine.sql(hierarchyDictionary(name, column, { hierarchy: source, levelCount, hasNull: nullRows > 0 }));
  return levelCount;
};

const fromScheme = async (
  context: DictionaryContext,
  { table, relation, column }: DictionaryColumn,
  scheme: Exclude<GeneralizedColumn['scheme'], { $case: 'hierarchy' } | undefined>,
  name: string,
): Promise<number> => {
  const labels = labelScheme(column, scheme);
  if (labels.accepts !== undefined) {
    const [refused] = await numbersOf(context.engine, refusedRowsQuery(relation, column, labels.accepts));
    if (refused !== 0)
      throw stageError('SCHEME_VALUE_REFUSED', {
        table,
        column: column.name,
        count: refused ?? 0,
        problem: labels.refusal ?? 'hold a value that the scheme refuses',
      });
  }
  await context.engine.sql(schemeDictionary(name, relation, column, labels));
  return labels.labels.length + 1;
};

/**
 * Makes the dictionary of a column: under its scheme, or plain where it has none. Throws an Error that names table, column and count, or the
 * hierarchy, where a value has no leaf or the levels are no hierarchy.
 */
export const makeDictionary = async (
  context: DictionaryContext,
  of: DictionaryColumn,
  generalized: GeneralizedColumn | undefined,
): Promise<Dictionary> => {
  const { table, relation, column } = of;
  const name = `_dictionary${context.made.length}`;
  context.made.push(name);
  const scheme = generalized?.scheme;
  let levelCount = 1;
  let label = `Table ${table}, column ${column.name}`;
  if (scheme === undefined) await context.engine.sql(plainDictionary(name, relation, column));
  else if (scheme.$case === 'hierarchy') {
    levelCount = await fromHierarchy(
      context,
      of,
      { named: scheme.value, missingLeaf: generalized?.missingLeaf ?? MissingLeaf.UNSPECIFIED },
      name,
    );
    label = `Hierarchy ${scheme.value}`;
  } else levelCount = await fromScheme(context, of, scheme, name);
  const rawCodes = await context.engine.integers(levelCodesQuery(name, levelCount));
  const dimension = makeDimension({
    column: column.name,
    name: label,
    leafCount: rawCodes[0]?.length ?? 0,
    upperCodes: rawCodes.slice(1),
    fixed: generalized?.level,
  });
  return { name, dimension, rawCodes };
};
