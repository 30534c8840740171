// Which keys of the plan are keys of the result: their columns are there, unchanged or as tokens.
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { ResultKey, ResultReference } from '../../outbox/references.ts';
import type { TablePrivacy } from './anonymize.ts';

/** A table after its steps: its columns, and what they did to them. */
export type ResultTable = { table: string; columns: readonly Column[]; privacy: TablePrivacy };

const isIntact = ({ columns, privacy }: ResultTable, names: readonly string[]): boolean =>
  names.every((name) => columns.some((column) => column.name === name) && !privacy.changedColumns.includes(name));

/** The foreign keys of the result: both tables are in it, and the columns are intact or tokens of the same domains. `index` is the place in the plan's table. */
export const resultReferences = (plan: readonly Table[], tables: readonly ResultTable[]): (ResultReference & { index: number })[] =>
  plan.flatMap(({ name, foreignKeys }) => {
    const own = tables.find(({ table }) => table === name);
    if (own === undefined) return [];
    return foreignKeys.flatMap(({ columns, referencedTable, referencedColumns }, index) => {
      const target = tables.find(({ table }) => table === referencedTable);
      if (target === undefined || !isIntact(own, columns) || !isIntact(target, referencedColumns)) return [];
      const sameTokens = columns.every(
        (column, place) => own.privacy.tokenDomains[column] === target.privacy.tokenDomains[referencedColumns[place] ?? ''],
      );
      return sameTokens ? [{ table: name, columns, referencedTable, referencedColumns, index }] : [];
    });
  });

/** The primary keys of the result. */
export const resultKeys = (plan: readonly Table[], tables: readonly ResultTable[]): ResultKey[] =>
  plan.flatMap(({ name, primaryKey }) => {
    const own = tables.find(({ table }) => table === name);
    return own === undefined || primaryKey === undefined || !isIntact(own, primaryKey.columns)
      ? []
      : [{ table: name, columns: primaryKey.columns }];
  });
