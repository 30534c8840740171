// The statements that make a column's dictionary: one row a value, with its labels and their numbers at each level.
import { Normalization, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, engineType, readTextSql, writeTextSql } from '../plan/types.ts';
import type { LabelScheme } from './labels.ts';
import type { Relation } from './steps/relation.ts';

const numberedLevels = (levelCount: number): string[] =>
  Array.from({ length: levelCount - 1 }, (_, index) => {
    const level = index + 1;
    return `l${level}, CAST(dense_rank() OVER (ORDER BY l${level}) - 1 AS INTEGER) AS g${level}`;
  });

const dictionarySql = (name: string, levelCount: number, values: string): string => {
  const items = ['CAST(row_number() OVER (ORDER BY value) - 1 AS INTEGER) AS code', 'value', ...numberedLevels(levelCount)];
  return `CREATE OR REPLACE TABLE ${quoteIdentifier(name)} AS SELECT ${items.join(', ')} FROM (${values})`;
};

const distinctValues = (relation: Relation, column: Column): string =>
  `SELECT DISTINCT ${quoteIdentifier(column.name)} AS value FROM (${relation.query})`;

/** The dictionary of a column that stays as it is. */
export const plainDictionary = (name: string, relation: Relation, column: Column): string =>
  dictionarySql(name, 1, distinctValues(relation, column));

/** The dictionary of a column under a scheme without a table: its leaves are the distinct values in the data. */
export const schemeDictionary = (name: string, relation: Relation, column: Column, scheme: LabelScheme): string => {
  const last = scheme.labels.length - 1;
  const labels = scheme.labels.map((sql, index) => {
    const label = index === last ? sql : `CASE WHEN value IS NULL THEN NULL ELSE ${sql} END`;
    return `${label} AS l${index + 1}`;
  });
  return dictionarySql(name, scheme.labels.length + 1, `SELECT value, ${labels.join(', ')} FROM (${distinctValues(relation, column)})`);
};

/** Counts the rows whose value a scheme does not take. */
export const refusedRowsQuery = (relation: Relation, column: Column, accepts: string): string =>
  `SELECT count(*) FROM (SELECT ${quoteIdentifier(column.name)} AS value FROM (${relation.query})) WHERE value IS NOT NULL AND NOT (${accepts})`;

/** SQL of a hierarchy's leaf as a value of a column: in the normal form that the column's values are in. */
export const leafSql = (column: Column): string =>
  readTextSql(column.normalize === Normalization.NFC ? DUCKDB.composed('l0') : 'l0', columnType(column), DUCKDB);

/** A hierarchy table (texts `l0`, `l1`, …), and whether the data have NULL in the column under it. */
export type HierarchyTable = { hierarchy: string; levelCount: number; hasNull: boolean };

/** The dictionary of a column under a hierarchy table: all its leaves, and NULL where the data have it. */
export const hierarchyDictionary = (name: string, column: Column, { hierarchy, levelCount, hasNull }: HierarchyTable): string => {
  const type = columnType(column);
  const upper = Array.from({ length: levelCount - 1 }, (_, index) => `l${index + 1}`);
  const table = quoteIdentifier(hierarchy);
  const leaves = `SELECT ${leafSql(column)} AS value, ${upper.join(', ')} FROM ${table}`;
  if (!hasNull) return dictionarySql(name, levelCount, leaves);
  const root = `l${levelCount - 1}`;
  const nulls = upper.map((label) => (label === root ? `(SELECT min(${root}) FROM ${table})` : 'CAST(NULL AS VARCHAR)'));
  return dictionarySql(name, levelCount, `${leaves} UNION ALL SELECT CAST(NULL AS ${engineType(type, DUCKDB)}), ${nulls.join(', ')}`);
};

/** Leaves that cannot be read as the column's type, and leaves that are one value in it: both make a hierarchy unusable for the column. */
export const hierarchyLeavesQuery = (hierarchy: string, column: Column): string => {
  const value = leafSql(column);
  return `SELECT count(*) FILTER (value IS NULL), count(value) - count(DISTINCT value) FROM (SELECT ${value} AS value FROM ${quoteIdentifier(hierarchy)})`;
};

// The values of a column beside their leaves.
const withLeaves = (relation: Relation, column: Column, hierarchy: string): string => {
  const leaves = `SELECT ${leafSql(column)} AS leaf FROM ${quoteIdentifier(hierarchy)}`;
  return `(SELECT ${quoteIdentifier(column.name)} AS value FROM (${relation.query})) LEFT JOIN (${leaves}) ON value = leaf`;
};

/** Rows with NULL, and rows whose value has no leaf. */
export const leaflessRowsQuery = (relation: Relation, column: Column, hierarchy: string): string =>
  `SELECT count(*) FILTER (value IS NULL), count(*) FILTER (value IS NOT NULL AND leaf IS NULL) FROM ${withLeaves(relation, column, hierarchy)}`;

/** The values without a leaf as text, at most so many, with their rows, the most frequent first. */
export const leaflessValuesQuery = (
  relation: Relation,
  column: Column,
  { hierarchy, limit, characters }: { hierarchy: string; limit: number; characters: number },
): string => {
  const text = `left(${writeTextSql('value', columnType(column), DUCKDB)}, ${characters})`;
  const without = `${withLeaves(relation, column, hierarchy)} WHERE value IS NOT NULL AND leaf IS NULL`;
  return `SELECT ${text} AS text, count(*) FROM ${without} GROUP BY text ORDER BY count(*) DESC, text LIMIT ${limit}`;
};

/** The codes of a dictionary: an INTEGER column a level, in the order of the leaves. */
export const levelCodesQuery = (name: string, levelCount: number): string => {
  const codes = Array.from({ length: levelCount }, (_, level) => (level === 0 ? 'code' : `g${level}`));
  return `SELECT ${codes.join(', ')} FROM ${quoteIdentifier(name)} ORDER BY code`;
};

/** The class table: a leaf code a column and the number of rows, one line a distinct tuple. NULLs are one value. */
export const classQuery = (relation: Relation, columns: readonly { column: string; dictionary: string }[]): string => {
  const names = columns.map(({ column }) => quoteIdentifier(column));
  const joins = columns.map(
    ({ dictionary }, index) =>
      `JOIN ${quoteIdentifier(dictionary)} AS _d${index} ON _classes.${names[index] ?? ''} IS NOT DISTINCT FROM _d${index}.value`,
  );
  const codes = columns.map((_, index) => `_d${index}.code AS c${index}`);
  const classes = `SELECT ${names.join(', ')}, CAST(count(*) AS INTEGER) AS _rows FROM (${relation.query}) GROUP BY ALL`;
  return `SELECT ${codes.join(', ')}, _classes._rows FROM (${classes}) AS _classes ${joins.join(' ')} ORDER BY ALL`;
};
