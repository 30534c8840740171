// FillFromSources: the records of one key become one, before any rule is applied to it.
import { CastPolicy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { castSql } from './cast.ts';
import type { Dialect } from './dialect.ts';
import { quoteIdentifier, quoteNames } from './identifiers.ts';
import { keyTables } from './key-tables.ts';
import { readColumn } from './read-column.ts';

/** Whether a cell says something: it is not empty, and is readable where an unreadable one would be NULL. */
const saysSomething = (table: Table, column: Column, dialect: Dialect): string => {
  const { text, isEmpty } = readColumn(table, column.name, dialect);
  const isNull = column.cast?.policy === CastPolicy.NULL ? ` AND ${castSql(text, column, dialect)} IS NOT NULL` : '';
  return `NOT ${isEmpty}${isNull}`;
};

/**
 * Makes the engine's table `filled` of a source (`row_id`, and the texts `c0`, `c1`, …): one row a key, with the id of its first row, and of each
 * column the first text in the order of sources and rows that says something. `clean` is the query of the same rows after the rules for single values:
 * keys are compared as those leave them. Rows whose key is empty stay as they are.
 */
export const fillStatement = (table: Table, { source, clean }: { source: string; clean: string }, dialect: Dialect): string => {
  const key = table.primaryKey?.columns ?? [];
  const cells = table.columns.map((column, index) => {
    const cell = quoteIdentifier(`c${index}`);
    const only = key.includes(column.name) ? '' : ` FILTER (WHERE ${saysSomething(table, column, dialect)})`;
    return `arg_min(${cell}, row_id)${only} AS ${cell}`;
  });
  const keyNames = key.map((_, index) => quoteIdentifier(`_key${index}`));
  const keys = `SELECT row_id AS _id, ${key.map((name, index) => `${quoteIdentifier(name)} AS ${keyNames[index] ?? ''}`).join(', ')} FROM (${clean})`;
  const isEmpty = keyNames.map((name) => `${name} IS NULL`).join(' OR ');
  return (
    `CREATE OR REPLACE TABLE ${quoteIdentifier(keyTables(table.name).filled)} AS SELECT min(row_id) AS row_id, ${cells.join(', ')} ` +
    `FROM (${source}) AS _raw JOIN (${keys}) AS _keys ON _keys._id = _raw.row_id GROUP BY ${keyNames.join(', ')}, CASE WHEN ${isEmpty} THEN row_id END ORDER BY row_id`
  );
};

/** The rows of the table `filled`, of some row ids where bounds are given. */
export const filledQuery = (table: Table, bounds?: { firstRowId: bigint; lastRowId: bigint }): string => {
  const cells = quoteNames(table.columns.map((_, index) => `c${index}`));
  const within = bounds ? ` WHERE row_id BETWEEN ${bounds.firstRowId} AND ${bounds.lastRowId}` : '';
  return `SELECT row_id, ${cells} FROM ${quoteIdentifier(keyTables(table.name).filled)}${within}`;
};
