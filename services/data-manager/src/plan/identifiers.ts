import { stageError } from '../domain/run-error.ts';

/** Quotes a name of a table, view or column. This file holds the only quoting of the project's SQL. */
export const quoteIdentifier = (name: string): string => {
  if (name.length === 0 || name.includes('\0')) throw stageError('NAME_UNUSABLE');
  return `"${name.replaceAll('"', '""')}"`;
};

/** Quotes a text value. A zero byte cannot stand in a literal and is refused. */
export const quoteLiteral = (value: string): string => {
  if (value.includes('\0')) throw stageError('TEXT_UNUSABLE');
  return `'${value.replaceAll("'", "''")}'`;
};

/** A list literal of text values. */
export const quoteList = (values: readonly string[]): string => `[${values.map(quoteLiteral).join(', ')}]`;

/** Names, quoted and separated by commas, each behind a table alias when one is given. */
export const quoteNames = (names: readonly string[], alias?: string): string =>
  names.map((name) => (alias === undefined ? quoteIdentifier(name) : `${alias}.${quoteIdentifier(name)}`)).join(', ');
