import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteIdentifier, quoteLiteral } from './identifiers.ts';
import { columnType, writeTextSql } from './types.ts';

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

/** The types of JSON values that a column takes besides null; a number for a text, say, is refused rather than guessed. */
export const acceptedTypes = (type: DataType): ('string' | 'number' | 'boolean' | 'object' | 'array')[] => {
  switch (type.base) {
    case BaseType.BOOLEAN:
      return ['boolean'];
    case BaseType.INTEGER:
    case BaseType.DECIMAL:
    case BaseType.DOUBLE:
      return ['number', 'string'];
    case BaseType.JSON:
      return ['number', 'boolean', 'string', 'object', 'array'];
    default:
      return ['string'];
  }
};
