import { RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { castLiterals } from './cast.ts';
import type { Dialect } from './dialect.ts';
import { emptyLiterals } from './empty.ts';
import { quoteLiteral } from './identifiers.ts';
import { nearestValuesSql, rangeBounds } from './range.ts';
import { columnType, readTextSql } from './types.ts';

/** A condition on a value that a rule writes out; false or NULL means that the rule cannot be used. */
export type LiteralCheck = { table: string; rule: string; message: string; sql: string };

const columnChecks = (table: string, column: Column, dialect: Dialect): LiteralCheck[] => {
  const type = columnType(column);
  const readable = (kind: string, what: string, text: string): LiteralCheck => ({
    table,
    rule: `${kind}:${column.name}`,
    message: `The ${what} cannot be read as the column's type.`,
    sql: `${readTextSql(quoteLiteral(text), type, dialect)} IS NOT NULL`,
  });
  const checks = [
    ...emptyLiterals(column).map((replacement) => readable('empty', 'replacement', replacement)),
    ...castLiterals(column).map((replacement) => readable('cast', 'replacement', replacement)),
  ];
  if (column.range === undefined) return checks;
  for (const bound of rangeBounds(column.range)) checks.push(readable('range', 'bound', bound));
  const { lowest, highest } = nearestValuesSql(column.range, type, dialect);
  if (column.range.strategy === RangeStrategy.CLAMP && lowest !== undefined && highest !== undefined) {
    checks.push({ table, rule: `range:${column.name}`, message: 'No value lies between the bounds.', sql: `${lowest} <= ${highest}` });
  }
  return checks;
};

/** Checks on replacements and bounds, which are written as texts; the engine itself says whether it can read them. */
export const literalChecks = (tables: readonly Table[], dialect: Dialect): LiteralCheck[] =>
  tables.flatMap((table) => table.columns.flatMap((column) => columnChecks(table.name, column, dialect)));
