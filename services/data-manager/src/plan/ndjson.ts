import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteIdentifier, quoteList, quoteLiteral } from './identifiers.ts';
import { columnType, readTextSql, writeTextSql } from './types.ts';

/**
 * Rows for scripts, one JSON object a line. Booleans are booleans; doubles and integers up to 2^53 are numbers; larger integers,
 * decimals, doubles that are not finite, and every other type are their canonical text, so that no digit is lost (but JSON.stringify loses the
 * sign of zero). NULL is null.
 */
export const jsonValueSql = (name: string, type: DataType, dialect: Dialect): string => {
  const text = `to_json(${writeTextSql(name, type, dialect)})`;
  switch (type.base) {
    case BaseType.BOOLEAN:
      return `to_json(${name})`;
    case BaseType.INTEGER:
      return `CASE WHEN ${name} BETWEEN -9007199254740991 AND 9007199254740991 THEN to_json(${name}) ELSE ${text} END`;
    case BaseType.DOUBLE:
      return `CASE WHEN isfinite(${name}) THEN to_json(${name}) ELSE ${text} END`;
    default:
      return text;
  }
};

/** Writes a query's columns as lines. */
export const writeLinesStatement = (query: string, columns: readonly Column[], path: string, dialect: Dialect): string => {
  const values = columns.map((column) => {
    const name = quoteIdentifier(column.name);
    return `${jsonValueSql(name, columnType(column), dialect)} AS ${name}`;
  });
  return `COPY (SELECT ${values.join(', ')} FROM (${query})) TO ${quoteLiteral(path)} (FORMAT json)`;
};

/** What a script that is called per row writes in place of a row that it drops. */
export const DROPPED_LINE_KEY = ' dropped';

/** The kinds of JSON values that a column takes besides null; a number for a text, say, is refused rather than guessed. */
const acceptedKinds = (type: DataType): string[] => {
  const numbers = ['BIGINT', 'UBIGINT', 'HUGEINT', 'DOUBLE'];
  switch (type.base) {
    case BaseType.BOOLEAN:
      return ['BOOLEAN'];
    case BaseType.INTEGER:
    case BaseType.DECIMAL:
    case BaseType.DOUBLE:
      return [...numbers, 'VARCHAR'];
    case BaseType.JSON:
      return [...numbers, 'BOOLEAN', 'VARCHAR', 'OBJECT', 'ARRAY'];
    default:
      return ['VARCHAR'];
  }
};

/** A column of a script's rows: the typed value, and whether there was a value at all. */
export type ScriptValue = { value: string; present: string };

const lineValueSql = (column: Column, dialect: Dialect): ScriptValue => {
  const type = columnType(column);
  const found = `json_extract(json, ${quoteLiteral(`$."${column.name}"`)})`;
  const kind = `json_type(${found})`;
  const kinds = acceptedKinds(type).map(quoteLiteral).join(', ');
  const whole = `CASE WHEN ${kind} IN ('OBJECT', 'ARRAY') THEN CAST(${found} AS VARCHAR) ELSE json_extract_string(${found}, '$') END`;
  const text = `CASE WHEN ${kind} IN (${kinds}) THEN ${whole} END`;
  return { value: readTextSql(`(${text})`, type, dialect), present: `(${kind} IS NOT NULL AND ${kind} <> 'NULL')` };
};

/** What is wrong with the lines themselves, and how many of them stand for a dropped row. */
export const lineCheckQuery = (source: string, columns: readonly Column[]): string => {
  const declared = quoteList([...columns.map((column) => column.name), DROPPED_LINE_KEY]);
  const isObject = `json_type(json) = 'OBJECT'`;
  return (
    `SELECT count(*) FILTER (NOT coalesce(${isObject}, false)), ` +
    `count(*) FILTER (${isObject} AND NOT list_has_all(${declared}, json_keys(json))), ` +
    `count(*) FILTER (${isObject} AND list_contains(json_keys(json), ${quoteLiteral(DROPPED_LINE_KEY)})) FROM ${source}`
  );
};

/** The lines of a file as they are, in a column `json`. */
export const readLinesSource = (path: string, lineBytes: number): string =>
  `read_ndjson_objects(${quoteLiteral(path)}, maximum_object_size = ${lineBytes})`;

/** The rows among the lines, and how each column is read from them. */
export const lineRows = (source: string, columns: readonly Column[], dialect: Dialect): { from: string; values: ScriptValue[] } => ({
  from: `(SELECT json FROM ${source} WHERE NOT list_contains(json_keys(json), ${quoteLiteral(DROPPED_LINE_KEY)}))`,
  values: columns.map((column) => lineValueSql(column, dialect)),
});
