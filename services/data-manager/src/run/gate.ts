// The gate: measures the stored rows and says what does not hold. It reads rows and two numbers, and shares no code with the search.
import type { PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteIdentifier, quoteNames } from '../plan/identifiers.ts';

/** The manifest's two numbers: rows into ANONYMIZING, and rows that were suppressed there. */
export type GateBase = { intoAnonymizing: number; suppressed: number };

/** What was measured. */
export type GateFacts = {
  rowCount: number;
  classCount: number;
  smallestClass: number;
  malformedTokens: { column: string; count: number }[];
};

const TOKEN = '^[0-9a-f]{8,64}$';

const quasiColumns = (columns: readonly Column[]): string[] =>
  columns.filter(({ role }) => role === Role.QUASI_IDENTIFYING).map(({ name }) => name);
const tokenColumns = (columns: readonly Column[]): string[] =>
  columns.filter(({ role }) => role === Role.PSEUDONYM).map(({ name }) => name);

/** A query of one row: rows, classes, the smallest class, and malformed tokens of each pseudonymized column. NULLs of a quasi-identifier group. */
export const gateQuery = (rows: string, columns: readonly Column[]): string => {
  const quasi = quasiColumns(columns);
  const classes =
    quasi.length === 0
      ? 'SELECT count(*) AS size FROM stored HAVING count(*) > 0'
      : `SELECT count(*) AS size FROM stored GROUP BY ${quoteNames(quasi)}`;
  const tokens = tokenColumns(columns).map(
    (name) =>
      `(SELECT count(*) FROM stored WHERE ${quoteIdentifier(name)} IS NOT NULL AND NOT regexp_full_match(CAST(${quoteIdentifier(name)} AS VARCHAR), '${TOKEN}'))`,
  );
  const facts = [
    '(SELECT count(*) FROM stored)',
    '(SELECT count(*) FROM classes)',
    '(SELECT coalesce(min(size), 0) FROM classes)',
    ...tokens,
  ];
  return `WITH stored AS (${rows}), classes AS (${classes}) SELECT ${facts.join(', ')}`;
};

/** Reads the answer of `gateQuery`. */
export const readGateFacts = (answer: readonly (string | null)[], columns: readonly Column[]): GateFacts => ({
  rowCount: Number(answer[0]),
  classCount: Number(answer[1]),
  smallestClass: Number(answer[2]),
  malformedTokens: tokenColumns(columns).map((column, index) => ({ column, count: Number(answer[3 + index]) })),
});

/** Everything that does not hold, one sentence each; empty = the table may be published. */
export const judge = (
  columns: readonly Column[],
  requirement: PrivacyRequirement | undefined,
  base: GateBase,
  facts: GateFacts,
): string[] => {
  const problems: string[] = [];
  for (const { name, role } of columns) if (role === Role.IDENTIFYING) problems.push(`the column ${name} identifies people`);
  for (const { column, count } of facts.malformedTokens)
    if (count > 0) problems.push(`${count} values of the pseudonymized column ${column} are no tokens`);
  const quasi = quasiColumns(columns);
  if (quasi.length > 0 && (requirement?.models.length ?? 0) === 0) problems.push('there are quasi-identifying columns and no requirement');
  for (const { model } of requirement?.models ?? []) {
    if (model?.$case !== 'kAnonymity') problems.push('a required model is unknown to the gate');
    else if (quasi.length > 0 && facts.rowCount > 0 && facts.smallestClass < model.value.k)
      problems.push(`the smallest class has ${facts.smallestClass} rows, ${model.value.k} are required`);
  }
  const limit = requirement?.suppressionLimit ?? 0;
  if (base.suppressed > Math.floor(limit * base.intoAnonymizing + 1e-6))
    problems.push(`${base.suppressed} of ${base.intoAnonymizing} rows were suppressed, at most ${limit * 100} % may be`);
  return problems;
};
