import { SuppressScope, type Suppress } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier, quoteLiteral, quoteNames } from '../../plan/identifiers.ts';
import { columnType, readTextSql } from '../../plan/types.ts';
import { columnOf, ownColumns, project, type Relation } from './relation.ts';
import { defect } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';

const readValues = (table: string, relation: Relation, step: Suppress, name: string): string[] => {
  const type = columnType(columnOf(table, relation, name));
  return step.values.map((value) => readTextSql(quoteLiteral(value), type, DUCKDB));
};

/** A query that counts the step's values that cannot be read as the type of each column; one number a column. */
export const unreadableValuesQuery = (table: string, relation: Relation, step: Suppress): string =>
  `SELECT ${step.columns
    .map((name) =>
      readValues(table, relation, step, name)
        .map((value) => `CAST((${value}) IS NULL AS INTEGER)`)
        .join(' + '),
    )
    .join(', ')}`;

/** The columns of a relation after cells of some became NULL: those are not required any more. */
const withNulls = ({ columns }: Relation, names: readonly string[]): Column[] =>
  columns.map((column) => (names.includes(column.name) ? { ...column, empty: undefined } : column));

const suppressCells = (table: string, relation: Relation, step: Suppress, k: number): Relation => {
  const quasi = relation.columns.filter(({ role }) => role === Role.QUASI_IDENTIFYING).map(({ name }) => name);
  if (k < 1) throw stageError('SUPPRESS_NEEDS_K', { table });
  if (quasi.length === 0) throw stageError('SUPPRESS_NEEDS_QUASI', { table });
  const small = `count(*) OVER (PARTITION BY ${quoteNames(quasi)}) < ${k}`;
  const expressions = new Map(
    step.columns.map((name): [string, string] => [name, `CASE WHEN ${small} THEN NULL ELSE ${quoteIdentifier(name)} END`]),
  );
  return { query: project(relation, expressions), columns: withNulls(relation, step.columns) };
};

/**
 * Suppress: COLUMN removes columns, RECORD removes the rows that hold one of the values, VALUE makes the values NULL, CELL makes the columns
 * NULL in rows of classes below k (NULLs are one category). Values are compared in the column's type.
 */
export const suppress = (table: string, relation: Relation, step: Suppress, k: number): Relation => {
  for (const name of step.columns) columnOf(table, relation, name);
  const holds = (name: string): string => `${quoteIdentifier(name)} IN (${readValues(table, relation, step, name).join(', ')})`;
  switch (step.scope) {
    case SuppressScope.COLUMN: {
      const columns = relation.columns.filter(({ name }) => !step.columns.includes(name));
      if (ownColumns({ ...relation, columns }).length === 0) throw stageError('SUPPRESS_LEAVES_NOTHING', { table });
      return { query: `SELECT ${quoteNames(columns.map(({ name }) => name))} FROM (${relation.query})`, columns };
    }
    case SuppressScope.RECORD: {
      const hits = step.columns.map((name) => `coalesce(${holds(name)}, false)`);
      return { query: `SELECT * FROM (${relation.query}) WHERE NOT (${hits.join(' OR ')})`, columns: relation.columns };
    }
    case SuppressScope.VALUE: {
      const expressions = new Map(
        step.columns.map((name): [string, string] => [name, `CASE WHEN ${holds(name)} THEN NULL ELSE ${quoteIdentifier(name)} END`]),
      );
      return { query: project(relation, expressions), columns: withNulls(relation, step.columns) };
    }
    case SuppressScope.CELL:
      return suppressCells(table, relation, step, k);
    case SuppressScope.UNSPECIFIED:
      throw defect('a step suppresses in no scope');
  }
};
