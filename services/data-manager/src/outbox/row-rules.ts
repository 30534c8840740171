// What the rules of a table say of a row that is stored, whoever made it: required columns, ranges, keys.
import { NullReference, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { mayBeEmpty } from '@lethe/module/check-column';
import type { Engine } from '../engine/engine.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteNames } from '../plan/identifiers.ts';
import { rangeSql } from '../plan/range.ts';
import type { ResultKeys } from './references.ts';

/** A rule of one column: `broken` is SQL that is true for a row that breaks it, `sentence` says what is wrong, without values. */
export type RowRule = { rule: 'REQUIRED' | 'RANGE'; column: string; broken: string; sentence: string };

/** The columns that must have a value: those whose rules leave no NULL, those of keys, and those of references whose rule drops empty ones. */
const requiredColumns = (table: Table, columns: readonly Column[], { keys, references }: ResultKeys): Set<string> => {
  const required = new Set(columns.filter((column) => !mayBeEmpty(table, column)).map(({ name }) => name));
  for (const key of keys) if (key.table === table.name) for (const name of key.columns) required.add(name);
  for (const reference of references) {
    if (reference.table !== table.name) continue;
    const rule = table.foreignKeys.find(({ columns: own }) => own.join() === reference.columns.join());
    if (rule?.nullReference === NullReference.DROP) for (const name of reference.columns) required.add(name);
  }
  return required;
};

/** The rules that each row of a result must obey. `columns` are those of the result, which carry what is left of their rules. */
export const rowRules = (table: Table, columns: readonly Column[], keys: ResultKeys): RowRule[] => {
  const required = requiredColumns(table, columns, keys);
  return columns.flatMap((column) => {
    const name = quoteIdentifier(column.name);
    const rules: RowRule[] = [];
    if (required.has(column.name))
      rules.push({
        rule: 'REQUIRED',
        column: column.name,
        broken: `${name} IS NULL`,
        sentence: `the column ${column.name} must not be empty`,
      });
    const range = column.range && { ...column.range, strategy: RangeStrategy.DROP_RECORD };
    const outside = rangeSql(name, { ...column, range }, DUCKDB).dropped;
    if (outside !== undefined)
      rules.push({ rule: 'RANGE', column: column.name, broken: outside, sentence: `the column ${column.name} is beyond its range` });
    return rules;
  });
};

/** The number of values of a key that occur more than once. */
export const repeatedKeys = async (engine: Engine, rows: string, key: readonly string[]): Promise<number> => {
  const { rows: counted } = await engine.sql(
    `SELECT count(*) FROM (SELECT 1 FROM (${rows}) GROUP BY ${quoteNames(key)} HAVING count(*) > 1)`,
  );
  return Number(counted[0]?.[0] ?? 0);
};

/** What is wrong with the rows of a table, in sentences with counts. */
export const brokenRules = async (
  engine: Engine,
  rows: string,
  rules: readonly RowRule[],
  keys: readonly string[][],
): Promise<string[]> => {
  const broken: string[] = [];
  if (rules.length > 0) {
    const { rows: counted } = await engine.sql(`SELECT ${rules.map((rule) => `count_if(${rule.broken})`).join(', ')} FROM (${rows})`);
    rules.forEach((rule, index) => {
      const count = Number(counted[0]?.[index] ?? 0);
      if (count > 0) broken.push(`${rule.sentence} (${count} rows)`);
    });
  }
  for (const key of keys) {
    const count = await repeatedKeys(engine, rows, key);
    if (count > 0) broken.push(`the primary key ${key.join(', ')} has ${count} values that occur more than once`);
  }
  return broken;
};
