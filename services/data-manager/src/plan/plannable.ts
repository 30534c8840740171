import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import {
  CastPolicy,
  EmptyStrategy,
  KeyConflict,
  NullReference,
  RangeStrategy,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { planForeignKeys } from './foreign-key.ts';
import { generatedColumn } from './key-tables.ts';
import { rangeBounds } from './range.ts';
import { ROW_ID_LIMITS } from './row-id.ts';
import { hasNextValue, isOrderedType } from './types.ts';
import { stageError } from '../domain/run-error.ts';

/** A rule that no statement can be made from. `rule` is named as in the counts, e.g. `range:age`; empty for the table itself. */
export type PlanProblem = { table: string; rule: string; message: string };

/** Names that stages add to a table's columns. */
const RESERVED = ['row_id'];

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/u;

/** Types that can hold the keys 1, 2, … */
const holdsNumbers = (column: Column): boolean => {
  const base = column.type?.base;
  return base === BaseType.INTEGER || base === BaseType.STRING || (base === BaseType.DECIMAL && column.type?.scale === 0);
};

/** The column that a table's key rule generates, or undefined where it generates none. */
export const generatedKeyColumn = (table: Table): string | undefined => generatedColumn(table, holdsNumbers);

const nameProblems = (names: readonly string[], what: string): string[] => {
  const seen = new Set<string>();
  return names.flatMap((name) => {
    const folded = name.toLowerCase();
    const twice = seen.has(folded);
    seen.add(folded);
    if (!NAME.test(name)) return [`The ${what} name must be a letter followed by at most 62 letters, digits or underscores.`];
    if (twice) return [`The ${what} ${name} occurs twice; names that differ in case alone count as the same.`];
    return RESERVED.includes(folded) && what === 'column' ? [`The column name ${name} is taken by the suite.`] : [];
  });
};

const columnProblems = (table: string, column: Column): PlanProblem[] => {
  const problems: PlanProblem[] = [];
  const add = (kind: string, message: string): void => {
    problems.push({ table, rule: `${kind}:${column.name}`, message });
  };
  const type = column.type;
  if (type === undefined || type.base === BaseType.UNSPECIFIED) {
    add('cast', 'The column has no type.');
    return problems;
  }
  const precision = type.precision === 0 ? 38 : type.precision;
  if (type.base === BaseType.DECIMAL && (precision < 1 || precision > 38 || type.scale < 0 || type.scale > precision)) {
    add('cast', 'A decimal has 1 to 38 digits, and not more of them after the point.');
  }
  if (column.empty?.strategy === EmptyStrategy.UNSPECIFIED) add('empty', 'The rule has no strategy.');
  if (column.cast?.policy === CastPolicy.UNSPECIFIED) add('cast', 'The rule has no policy.');
  const range = column.range;
  if (range === undefined) return problems;
  if (range.strategy === RangeStrategy.UNSPECIFIED) add('range', 'The rule has no strategy.');
  if (rangeBounds(range).length === 0) add('range', 'The rule has no bound.');
  if (!isOrderedType(type)) add('range', 'The type has no order that a range could use.');
  const exclusive = range.minExclusive !== undefined || range.maxExclusive !== undefined;
  if (range.strategy === RangeStrategy.CLAMP && exclusive && !hasNextValue(type)) {
    add('range', 'Clamp has no nearest value at an exclusive bound of this type.');
  }
  return problems;
};

const unknownColumns = (table: Table, names: readonly string[]): string[] =>
  names.filter((name) => !table.columns.some((column) => column.name === name));

const primaryKeyProblems = (table: Table): PlanProblem[] => {
  const rule = table.primaryKey;
  if (rule === undefined) return [];
  const problem = (message: string): PlanProblem => ({ table: table.name, rule: 'primary_key', message });
  const problems: PlanProblem[] = unknownColumns(table, rule.columns).map((name) => problem(`The table has no column ${name}.`));
  if (rule.columns.length === 0) problems.push(problem('The key has no columns.'));
  if (rule.conflict === KeyConflict.UNSPECIFIED) problems.push(problem('The key has no rule for conflicts.'));
  if (rule.conflict === KeyConflict.SOURCE_PRIORITY && rule.withinSource === WithinSource.UNSPECIFIED) {
    problems.push(problem('SourcePriority needs a rule for several rows of one source: withinSource.'));
  }
  if (rule.conflict === KeyConflict.GENERATE_KEYS && generatedKeyColumn(table) === undefined) {
    problems.push(problem('GenerateKeys needs a key column of type integer or string that is in no foreign key.'));
  }
  return problems;
};

const mayBeEmpty = (column: Column): boolean => {
  const strategy = column.empty?.strategy ?? EmptyStrategy.IGNORE;
  return strategy === EmptyStrategy.IGNORE || column.cast?.policy === CastPolicy.NULL;
};

const foreignKeyProblems = (table: Table, tables: readonly Table[]): PlanProblem[] =>
  table.foreignKeys.flatMap((rule) => {
    const problem = (message: string): PlanProblem => ({ table: table.name, rule: `foreign_key:${rule.columns.join('+')}`, message });
    const target = tables.find((candidate) => candidate.name === rule.referencedTable);
    if (target === undefined) return [problem(`There is no table ${rule.referencedTable}.`)];
    if (rule.columns.length === 0 || rule.columns.length !== rule.referencedColumns.length) {
      return [problem('The key needs as many columns as it refers to, and at least one.')];
    }
    const unknown = [
      ...unknownColumns(table, rule.columns).map((name) => problem(`The table has no column ${name}.`)),
      ...unknownColumns(target, rule.referencedColumns).map((name) => problem(`Table ${target.name} has no column ${name}.`)),
    ];
    if (unknown.length > 0) return unknown;
    const columnOf = (owner: Table, name: string): Column | undefined => owner.columns.find((column) => column.name === name);
    const differing = rule.columns.filter(
      (name, index) => columnOf(table, name)?.type?.base !== columnOf(target, rule.referencedColumns[index] ?? '')?.type?.base,
    );
    const nullable = rule.columns.map((name) => columnOf(table, name)).some((column) => column !== undefined && mayBeEmpty(column));
    return [
      ...differing.map((name) => problem(`Column ${name} has another type than the column it refers to.`)),
      ...(nullable && rule.nullReference === NullReference.UNSPECIFIED
        ? [problem('A column of the key may be empty: say with nullReference whether such records are kept or dropped.')]
        : []),
    ];
  });

/** Keys that are generated anew change the columns which follow them; a rule that reads such a column as it was would be wrong. */
const followingProblems = (tables: readonly Table[]): PlanProblem[] => {
  const generated = (name: string): string | undefined => {
    const table = tables.find((candidate) => candidate.name === name);
    return table === undefined ? undefined : generatedKeyColumn(table);
  };
  const plans = planForeignKeys(tables, generated);
  return plans.flatMap((plan) => {
    const { follows } = plan;
    if (follows === undefined) return [];
    const problem = (message: string): PlanProblem => ({ table: plan.table, rule: `foreign_key:${plan.rule.columns.join('+')}`, message });
    const own = tables.find((table) => table.name === plan.table);
    const inKey = own?.primaryKey?.columns.includes(follows) === true && own.primaryKey.conflict !== KeyConflict.GENERATE_KEYS;
    const elsewhere = plans.some((other) => other !== plan && other.table === plan.table && other.rule.columns.includes(follows));
    const referenced = plans.some((other) => other.rule.referencedTable === plan.table && other.rule.referencedColumns.includes(follows));
    return [
      ...(inKey ? [problem(`Column ${follows} follows generated keys and is in the primary key; that key needs GenerateKeys too.`)] : []),
      ...(elsewhere ? [problem(`Column ${follows} follows generated keys and cannot be in a second foreign key.`)] : []),
      ...(referenced ? [problem(`Column ${follows} follows generated keys; refer to the table that generates them instead.`)] : []),
    ];
  });
};

const sourceProblems = (plan: EffectivePlan): PlanProblem[] => {
  const seen = new Set<string>();
  return plan.sources.flatMap((entry) => {
    const binding = entry.collect?.$case === 'script' ? entry.collect.value : undefined;
    const table = binding?.table ?? entry.table;
    const rank = binding?.rank ?? entry.rank;
    const problem = (message: string): PlanProblem => ({ table, rule: 'source', message });
    const key = `${table} ${rank}`;
    const twice = seen.has(key);
    seen.add(key);
    if (!plan.tables.some((candidate) => candidate.name === table)) return [problem('A source names a table that there is not.')];
    if (rank < 1 || rank > ROW_ID_LIMITS.rank) return [problem(`The rank ${rank} of a source is not within 1 to ${ROW_ID_LIMITS.rank}.`)];
    return twice ? [problem(`Two sources have the rank ${rank}.`)] : [];
  });
};

/** Everything in a plan that no run could carry out. Empty for a plan that a run can begin with. */
export const findPlanProblems = (plan: EffectivePlan): PlanProblem[] => {
  const { tables } = plan;
  const named = nameProblems(
    tables.map((table) => table.name),
    'table',
  ).map((message) => ({ table: '', rule: '', message }));
  const own = tables.flatMap((table) => [
    ...nameProblems(
      table.columns.map((column) => column.name),
      'column',
    ).map((message) => ({ table: table.name, rule: '', message })),
    ...table.columns.flatMap((column) => columnProblems(table.name, column)),
    ...primaryKeyProblems(table),
    ...foreignKeyProblems(table, tables),
  ]);
  const problems = [...named, ...own, ...sourceProblems(plan)];
  return problems.length > 0 ? problems : followingProblems(tables);
};

/** Throws PLAN_INVALID, which lists every problem by table and rule; asked before a run begins. */
export const assertPlannable = (plan: EffectivePlan): void => {
  const problems = findPlanProblems(plan);
  if (problems.length === 0) return;
  const lines = problems.map((problem) => [problem.table, problem.rule, problem.message].filter((part) => part !== '').join(': '));
  throw stageError('PLAN_INVALID', { problems: lines.join(' ') });
};
