// The kinds of field rules, each with what it is a rule of.
import type { FieldRule } from '@lethe/contracts/gen/lethe/module/v1/rules';

/** A rule of a task. */
export type Rule = NonNullable<FieldRule['rule']>;

/** The value of a rule of a kind. */
export type RuleValue<C extends Rule['$case']> = Extract<Rule, { $case: C }>['value'];

const SCOPES: Record<Rule['$case'], 'table' | 'column'> = {
  empty: 'column',
  cast: 'column',
  range: 'column',
  primaryKey: 'table',
  foreignKey: 'table',
};

/** Whether a rule is one of a column, which it then names. */
export const isColumnRule = ({ $case }: Rule): boolean => SCOPES[$case] === 'column';
