/**
 * The gate: recomputes what a table must guarantee from its stored rows and two numbers of the manifest. It shares no code with the search,
 * so that an error there cannot hide itself here.
 */
import type { PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteIdentifier, quoteNames } from '../plan/identifiers.ts';

/** `query` returns the stored rows; `tokenLengths` are the declared lengths by column: a column without one has tokens of one length. */
export type GateTable = {
  table: string;
  query: string;
  columns: readonly Column[];
  requirement: PrivacyRequirement | undefined;
  rowsIn: number;
  suppressedCount: number;
  tokenLengths?: Readonly<Record<string, number>>;
};

/** A key of the result: its columns must occur in the referenced ones; a reference with a NULL is none. */
export type GateReference = {
  table: string;
  query: string;
  columns: readonly string[];
  referencedTable: string;
  referencedQuery: string;
  referencedColumns: readonly string[];
};

/** What was measured: `smallestClass` is 0 without rows or without quasi-identifying columns. `violations` are sentences; empty = it holds. */
export type GateResult = { requiredK: number; smallestClass: number; classCount: number; rowCount: number; violations: string[] };

const namesOf = (columns: readonly Column[], role: Role): string[] =>
  columns.filter((column) => column.role === role).map(({ name }) => name);

/** One row: rows, classes, rows of the smallest class; then for each pseudonym column the values that are no tokens. */
export const gateQuery = ({ query, columns, tokenLengths }: GateTable): string => {
  const tokens = namesOf(columns, Role.PSEUDONYM).map((name) => {
    const own = quoteIdentifier(name);
    const declared = tokenLengths?.[name];
    const form = declared === undefined ? '[0-9a-f]{1,64}' : `[0-9a-f]{${declared}}`;
    const strange = `count(*) FILTER (${own} IS NOT NULL AND NOT regexp_full_match(CAST(${own} AS VARCHAR), '${form}'))`;
    // Without a declared length, tokens of several lengths are as strange as no tokens.
    return declared === undefined ? `${strange} + greatest(count(DISTINCT length(CAST(${own} AS VARCHAR))) - 1, 0)` : strange;
  });
  const quasi = namesOf(columns, Role.QUASI_IDENTIFYING);
  const counted = ['count(*)', ...tokens].join(', ');
  if (quasi.length === 0) return `SELECT 0, 0, * FROM (SELECT ${counted} FROM (${query}))`;
  const classes = `SELECT count(*) AS _class_rows FROM (${query}) GROUP BY ${quoteNames(quasi)}`;
  return `SELECT * FROM (SELECT count(*), coalesce(min(_class_rows), 0) FROM (${classes})), (SELECT ${counted} FROM (${query}))`;
};

const requiredK = (requirement: PrivacyRequirement | undefined): number => {
  let k = 0;
  for (const { model } of requirement?.models ?? []) if (model !== undefined && model.value.k > k) k = model.value.k;
  return k;
};

/** Rows that a limit allows; the addend takes back what a decimal limit loses as a double. */
const allowedRows = (limit: number, rowCount: number): number => Math.floor(limit * rowCount + 1e-6);

/** The verdict on a table, from the numbers that `gateQuery` returns. */
export const judgeTable = (gate: GateTable, numbers: readonly (string | null)[]): GateResult => {
  const [classCount = 0, smallestClass = 0, rowCount = 0, ...strange] = numbers.map(Number);
  const { columns, requirement, rowsIn, suppressedCount } = gate;
  const k = requiredK(requirement);
  const quasi = namesOf(columns, Role.QUASI_IDENTIFYING);
  const violations: string[] = [];
  if (numbers.length < 3 || [classCount, smallestClass, rowCount, ...strange].some((value) => !Number.isSafeInteger(value)))
    violations.push('The rows could not be measured.');
  const identifying = namesOf(columns, Role.IDENTIFYING);
  if (identifying.length > 0) violations.push(`Identifying columns are left: ${identifying.join(', ')}.`);
  for (const [index, name] of namesOf(columns, Role.PSEUDONYM).entries()) {
    if (strange[index] !== 0) violations.push(`Column ${name} holds values that are no tokens.`);
  }
  if (quasi.length > 0 && k === 0) violations.push('There are quasi-identifying columns and no requirement.');
  // Without a quasi-identifying column all rows are one class.
  const smallest = quasi.length > 0 ? smallestClass : rowCount;
  if (rowCount > 0 && smallest < k) violations.push(`The smallest class has ${smallest} rows; k = ${k} is required.`);
  const allowed = allowedRows(requirement?.suppressionLimit ?? 0, rowsIn);
  if (k > 0 && suppressedCount > allowed)
    violations.push(`${suppressedCount} of ${rowsIn} rows are suppressed; at most ${allowed} may be.`);
  return { requiredK: k, smallestClass, classCount, rowCount, violations };
};

/** The number of rows whose reference has no target. */
export const orphanQuery = ({ query, columns, referencedQuery, referencedColumns }: GateReference): string => {
  const present = columns.map((name) => `_rows.${quoteIdentifier(name)} IS NOT NULL`).join(' AND ');
  const matches = columns.map(
    (name, index) => `_rows.${quoteIdentifier(name)} = _targets.${quoteIdentifier(referencedColumns[index] ?? '')}`,
  );
  return `SELECT count(*) FROM (${query}) AS _rows ANTI JOIN (${referencedQuery}) AS _targets ON ${matches.join(' AND ')} WHERE ${present}`;
};

/** SQL that is true for a row of `_rows` whose reference has no target. */
export const orphanSql = (
  { columns, referencedColumns }: Pick<GateReference, 'columns' | 'referencedColumns'>,
  referencedQuery: string,
): string => {
  const present = columns.map((name) => `_rows.${quoteIdentifier(name)} IS NOT NULL`).join(' AND ');
  const matches = columns.map(
    (name, index) => `_rows.${quoteIdentifier(name)} = _targets.${quoteIdentifier(referencedColumns[index] ?? '')}`,
  );
  return `${present} AND NOT EXISTS (SELECT 1 FROM (${referencedQuery}) AS _targets WHERE ${matches.join(' AND ')})`;
};

/** The verdict on a key, from the number that `orphanQuery` returns; undefined where it holds. */
export const judgeReference = (reference: GateReference, orphanCount: number): string | undefined =>
  orphanCount === 0
    ? undefined
    : `${orphanCount} rows refer by ${reference.columns.join(', ')} to rows that table ${reference.referencedTable} does not have.`;
