import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterCastSql, canFailCast, castEffect, castFailedSql, castSql } from './cast.ts';
import type { Dialect } from './dialect.ts';
import { emptySql } from './empty.ts';
import { quoteIdentifier } from './identifiers.ts';
import { rangeSql } from './range.ts';
import { invariant } from '../domain/defect.ts';

/** A rule that takes rows out, in the order of work. A row has the first that applies. `fails`: the run ends when it takes one. */
export type RowRule = { name: string; column: string; fails: boolean };

/** A counter of cells, over the rows that stay. */
export type CellCounter = { kind: 'replaced' | 'clamped' | 'castFailed'; rule: string; flag: string };

/**
 * The rules for single values of a table, as one projection. The query returns `row_id`, the columns by name and type, `_dropped`
 * (index in `rowRules`, NULL = stays) and a flag for each counter. Names with a leading underscore cannot be column names.
 */
export type CleanPlan = { query: (source: string) => string; rowRules: RowRule[]; counters: CellCounter[] };

type ColumnLayers = {
  /** Source to text, with the flag of an empty value. */
  text: string[];
  /** Text to typed value. */
  cast: string[];
  /** Policy of the cast, with its flag. */
  policy: string[];
  /** Range, with its flags. */
  range: string[];
  emptyDrop: string | undefined;
  castDrop: string | undefined;
  rangeDrop: string | undefined;
  counters: CellCounter[];
};

const columnLayers = (table: Table, column: Column, index: number, dialect: Dialect): ColumnLayers => {
  const empty = emptySql(table, column, dialect);
  const text = `_text${index}`;
  const value = `_value${index}`;
  const kept = `_kept${index}`;
  const isEmpty = `_empty${index}`;
  const failed = `_failed${index}`;
  const fallible = canFailCast(column);
  const range = rangeSql(kept, column, dialect);
  const effect = castEffect(column);
  const failedSql = castFailedSql(text, value);
  const counters: CellCounter[] = [];
  if (empty.replaces) counters.push({ kind: 'replaced', rule: `empty:${column.name}`, flag: isEmpty });
  if (fallible && !effect.drops) {
    counters.push({ kind: 'castFailed', rule: `cast:${column.name}`, flag: failed });
  }
  if (range.clamped !== undefined) counters.push({ kind: 'clamped', rule: `range:${column.name}`, flag: `_clamped${index}` });
  return {
    text: [`${empty.text} AS ${text}`, ...(empty.empty === undefined ? [] : [`${empty.empty} AS ${isEmpty}`])],
    cast: [`${castSql(text, column, dialect)} AS ${value}`],
    policy: [`${afterCastSql(value, failedSql, column, dialect)} AS ${kept}`, ...(fallible ? [`${failedSql} AS ${failed}`] : [])],
    range: [
      `${range.value} AS ${quoteIdentifier(column.name)}`,
      ...(range.clamped === undefined ? [] : [`${range.clamped} AS _clamped${index}`]),
      ...(range.dropped === undefined ? [] : [`${range.dropped} AS _out${index}`]),
    ],
    emptyDrop: empty.drops ? isEmpty : undefined,
    castDrop: fallible && effect.drops ? failed : undefined,
    rangeDrop: range.dropped === undefined ? undefined : `_out${index}`,
    counters,
  };
};

/** The rules for empty values, casts and ranges of a table, over a source with `row_id` and the texts `c0`, `c1`, … */
export const planCleaning = (table: Table, dialect: Dialect): CleanPlan => {
  const layers = table.columns.map((column, index) => columnLayers(table, column, index, dialect));
  const rowRules: (RowRule & { flag: string })[] = [];
  const collect = (kind: string, flagOf: (layer: ColumnLayers) => string | undefined, failsFor: (column: Column) => boolean): void => {
    for (const [index, column] of table.columns.entries()) {
      const layer = layers[index];
      const flag = layer === undefined ? undefined : flagOf(layer);
      if (flag !== undefined) rowRules.push({ name: `${kind}:${column.name}`, column: column.name, fails: failsFor(column), flag });
    }
  };
  collect(
    'empty',
    (layer) => layer.emptyDrop,
    () => false,
  );
  collect(
    'cast',
    (layer) => layer.castDrop,
    (column) => castEffect(column).fails,
  );
  collect(
    'range',
    (layer) => layer.rangeDrop,
    () => false,
  );
  const branches = rowRules.map((rule, index) => `WHEN ${rule.flag} THEN ${index}`).join(' ');
  const dropped = branches === '' ? 'CAST(NULL AS SMALLINT)' : `CAST(CASE ${branches} END AS SMALLINT)`;
  const list = (entries: string[]): string => entries.join(', ');
  const query = (source: string): string =>
    [
      `SELECT *, ${dropped} AS _dropped`,
      `FROM (SELECT *, ${list(layers.flatMap((layer) => layer.range))}`,
      `FROM (SELECT *, ${list(layers.flatMap((layer) => layer.policy))}`,
      `FROM (SELECT *, ${list(layers.flatMap((layer) => layer.cast))}`,
      `FROM (SELECT row_id, ${list(layers.flatMap((layer) => layer.text))}`,
      `FROM (${source})))))`,
    ].join('\n');
  return {
    query,
    rowRules: rowRules.map(({ name, column, fails }) => ({ name, column, fails })),
    counters: layers.flatMap((layer) => layer.counters),
  };
};

/** A query with one row for each value of `_dropped`: it, the number of rows, and for each counter the number of its cells. */
export const countingQuery = (plan: CleanPlan, source: string): string => {
  const counters = plan.counters.map((counter, index) => `, count_if(${counter.flag}) AS _count${index}`).join('');
  return `SELECT _dropped, count(*)${counters} FROM (${plan.query(source)}) GROUP BY _dropped ORDER BY _dropped`;
};

/** How a key column gets its final value: from a column `new_key` of a table with `row_id`. */
export type KeyReplacement = { column: string; table: string };

/**
 * What the keys make of a source: `droppedTable` lists rows that leave, `replacements` has the new keys. `bounds` are those of the rows
 * of the source, so that only their part of the key tables is read.
 */
export type KeyedRows = {
  droppedTable: string | undefined;
  replacements: readonly KeyReplacement[];
  bounds: { firstRowId: bigint; lastRowId: bigint };
};

/** The rows that stay: `row_id` and the columns, without the dropped rows, with new keys put in. */
export const keptRowsQuery = (
  table: Table,
  cleanQuery: string,
  { droppedTable, replacements, bounds }: KeyedRows,
  dialect: Dialect,
): string => {
  const within = `row_id BETWEEN ${bounds.firstRowId} AND ${bounds.lastRowId}`;
  const columns = table.columns.map((column) => {
    const name = quoteIdentifier(column.name);
    const index = replacements.findIndex((replacement) => replacement.column === column.name);
    if (index < 0) return `_clean.${name} AS ${name}`;
    const type = column.type?.base;
    invariant(type, `column ${column.name} has no type`);
    return `CASE WHEN _key${index}.new_key IS NULL THEN _clean.${name} ELSE ${newKeySql(`_key${index}.new_key`, column, dialect)} END AS ${name}`;
  });
  const joins = replacements.map(
    (replacement, index) =>
      `LEFT JOIN (SELECT row_id, new_key FROM ${quoteIdentifier(replacement.table)} WHERE ${within}) _key${index} ON _key${index}.row_id = _clean.row_id`,
  );
  const anti =
    droppedTable === undefined
      ? ''
      : ` AND NOT EXISTS (SELECT 1 FROM (SELECT row_id FROM ${quoteIdentifier(droppedTable)} WHERE ${within}) _gone WHERE _gone.row_id = _clean.row_id)`;
  return `SELECT _clean.row_id, ${columns.join(', ')} FROM (${cleanQuery}) _clean ${joins.join(' ')} WHERE _clean._dropped IS NULL${anti}`;
};

/** SQL of a number as a key of a column's type; NULL where it has no room there. */
export const newKeySql = (expression: string, column: Column, dialect: Dialect): string =>
  castSql(dialect.tryCast(expression, dialect.text), column, dialect);
