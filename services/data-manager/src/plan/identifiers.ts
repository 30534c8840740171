/** Quotes a name of a table, view or column. This file holds the only quoting of the project's SQL. */
export const quoteIdentifier = (name: string): string => {
  if (name.length === 0 || name.includes('\0')) throw new RangeError('An identifier must not be empty or hold a zero byte.');
  return `"${name.replaceAll('"', '""')}"`;
};

/** Quotes a text value. A zero byte cannot stand in a literal and is refused. */
export const quoteLiteral = (value: string): string => {
  if (value.includes('\0')) throw new RangeError('A literal must not hold a zero byte.');
  return `'${value.replaceAll("'", "''")}'`;
};

/** A list literal of text values. */
export const quoteList = (values: readonly string[]): string => `[${values.map(quoteLiteral).join(', ')}]`;

/** Names, quoted and separated by commas, each behind a table alias when one is given. */
export const quoteNames = (names: readonly string[], alias?: string): string =>
  names.map((name) => (alias === undefined ? quoteIdentifier(name) : `${alias}.${quoteIdentifier(name)}`)).join(', ');
