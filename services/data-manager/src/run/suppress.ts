// Suppression as SQL: columns, rows, values or cells.
import { SuppressScope, type Suppress } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteIdentifier, quoteLiteral, quoteNames } from '../plan/identifiers.ts';

/** What the step leaves: its columns, and a query over the relation `rows`. */
export type Suppressed = { columns: Column[]; query: string };

/** How a column's value is written as text. */
export type TextOf = (column: Column) => string;

const holdsValue = (columns: readonly Column[], { columns: names, values }: Suppress, textOf: TextOf): string =>
  columns
    .filter(({ name }) => names.includes(name))
    .map((column) => `coalesce(${textOf(column)} IN (${values.map(quoteLiteral).join(', ')}), false)`)
    .join(' OR ');

const blanked = (columns: readonly Column[], names: readonly string[], condition: (column: Column) => string): string =>
  columns
    .map((column) =>
      names.includes(column.name)
        ? `CASE WHEN ${condition(column)} THEN NULL ELSE ${quoteIdentifier(column.name)} END AS ${quoteIdentifier(column.name)}`
        : quoteIdentifier(column.name),
    )
    .join(', ');

/** Makes the query of a Suppress step. `k` and `quasi` are for cells: those of rows in classes below k go. */
export const suppressStep = (
  rows: string,
  columns: readonly Column[],
  step: Suppress,
  textOf: TextOf,
  quasi: readonly string[],
  k: number,
): Suppressed => {
  const all = [...columns];
  switch (step.scope) {
    case SuppressScope.COLUMN: {
      const kept = all.filter(({ name }) => !step.columns.includes(name));
      return { columns: kept, query: `SELECT ${quoteNames(kept.map(({ name }) => name))} FROM ${rows}` };
    }
    case SuppressScope.RECORD:
      return { columns: all, query: `SELECT * FROM ${rows} WHERE NOT (${holdsValue(all, step, textOf)})` };
    case SuppressScope.VALUE:
      return {
        columns: all,
        query: `SELECT ${blanked(all, step.columns, (column) => `${textOf(column)} IN (${step.values.map(quoteLiteral).join(', ')})`)} FROM ${rows}`,
      };
    case SuppressScope.CELL: {
      const sized = `SELECT *, count(*) OVER (PARTITION BY ${quoteNames(quasi)}) AS " class size" FROM ${rows}`;
      return { columns: all, query: `SELECT ${blanked(all, step.columns, () => `" class size" < ${k}`)} FROM (${sized})` };
    }
    default:
      throw new RangeError('a suppression says no scope');
  }
};
