import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteIdentifier, quoteNames } from './identifiers.ts';
import { columnType, engineType, readTextSql } from './types.ts';

/** A column of a script's rows: the typed value, and whether there was a value at all. */
export type ScriptValue = { value: string; present: string };

/** A column of a script's rows that were read as texts `c0`, `c1`, …. */
export const textValueSql = (column: Column, index: number, dialect: Dialect): ScriptValue => ({
  value: readTextSql(`c${index}`, columnType(column), dialect),
  present: `c${index} IS NOT NULL`,
});

/** A column of a SQL script's result in the declared type: as it is where the types agree, else through its text, exactly. */
export const resultValueSql = (column: Column, actualType: string, dialect: Dialect): ScriptValue => {
  const name = quoteIdentifier(column.name);
  const type = columnType(column);
  const present = `${name} IS NOT NULL`;
  if (actualType === engineType(type, dialect) && type.base !== BaseType.JSON) return { value: name, present };
  const text = actualType === dialect.bytes ? dialect.hexFromBytes(name) : dialect.tryCast(name, dialect.text);
  return { value: readTextSql(text, type, dialect), present };
};

/** Puts a script's rows into a table with the declared columns and a flag `_bad<n>` for each value that does not fit its type. */
export const typedRowsStatement = (table: string, from: string, columns: readonly Column[], values: readonly ScriptValue[]): string => {
  const typed = columns.map((column, index) => `${values[index]?.value ?? 'NULL'} AS ${quoteIdentifier(column.name)}`);
  const present = columns.map((_, index) => `${values[index]?.present ?? 'false'} AS _present${index}`);
  const bad = columns.map((column, index) => `(_present${index} AND ${quoteIdentifier(column.name)} IS NULL) AS _bad${index}`);
  return (
    `CREATE OR REPLACE TABLE ${quoteIdentifier(table)} AS SELECT ${quoteNames(columns.map((column) => column.name))}, ${bad.join(', ')} ` +
    `FROM (SELECT ${[...typed, ...present].join(', ')} FROM ${from})`
  );
};

/** Counts the flags of `typedRowsStatement`, column by column. */
export const badValuesQuery = (table: string, columns: readonly Column[]): string =>
  `SELECT ${columns.map((_, index) => `count(*) FILTER (_bad${index})`).join(', ')} FROM ${quoteIdentifier(table)}`;

/** Numbers the rows by content: `_place` from 0. Rows with the same content are the same row, so their order does not matter. */
export const placedRowsStatement = (target: string, table: string, columns: readonly Column[]): string => {
  const names = quoteNames(columns.map((column) => column.name));
  return `CREATE OR REPLACE TABLE ${quoteIdentifier(target)} AS SELECT row_number() OVER (ORDER BY ${names}) - 1 AS _place, ${names} FROM ${quoteIdentifier(table)}`;
};

/** A segment of placed rows: its first place, how many rows it has at most, and the `row_id` of the first. */
export type SegmentBounds = { firstPlace: number; rowCount: number; firstRowId: bigint };

/** The rows of one segment: `row_id` and the columns. */
export const segmentQuery = (table: string, columns: readonly Column[], { firstPlace, rowCount, firstRowId }: SegmentBounds): string =>
  `SELECT CAST(${firstRowId} + (_place - ${firstPlace}) AS BIGINT) AS row_id, ${quoteNames(columns.map((column) => column.name))} ` +
  `FROM ${quoteIdentifier(table)} WHERE _place >= ${firstPlace} AND _place < ${firstPlace + rowCount} ORDER BY _place`;
