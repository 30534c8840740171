import { RangeStrategy, type RangeRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { quoteLiteral } from './identifiers.ts';
import { columnType, readTextSql } from './types.ts';

/** SQL of one column's range: where a value is out of it, where such a row is dropped, and the value after the rule. */
export type RangeSql = {
  /** The nearest allowed value, else the value itself. */
  value: string;
  /** Absent where no row is dropped. */
  dropped: string | undefined;
  /** Absent where no value is clamped. */
  clamped: string | undefined;
};

type Bound = { text: string; exclusive: boolean };

const lowerBounds = (rule: RangeRule): Bound[] => [
  ...(rule.minimum === undefined ? [] : [{ text: rule.minimum, exclusive: false }]),
  ...(rule.minExclusive === undefined ? [] : [{ text: rule.minExclusive, exclusive: true }]),
];

const upperBounds = (rule: RangeRule): Bound[] => [
  ...(rule.maximum === undefined ? [] : [{ text: rule.maximum, exclusive: false }]),
  ...(rule.maxExclusive === undefined ? [] : [{ text: rule.maxExclusive, exclusive: true }]),
];

/** The bounds as they are written, for a check that each of them can be read. */
export const rangeBounds = (rule: RangeRule): string[] => [...lowerBounds(rule), ...upperBounds(rule)].map((bound) => bound.text);

const stepSql = (value: string, days: 1 | -1, type: DataType, dialect: Dialect): string =>
  type.base === BaseType.DATE ? dialect.addDay(value, days) : `(${value} + (${days}))`;

/** The nearest allowed value at a bound. An exclusive bound of a type without next values is refused before. */
const nearestSql = (bound: Bound, direction: 1 | -1, type: DataType, dialect: Dialect): string => {
  const value = readTextSql(quoteLiteral(bound.text), type, dialect);
  return bound.exclusive ? stepSql(value, direction, type, dialect) : value;
};

const extreme = (values: string[], name: 'greatest' | 'least'): string | undefined =>
  values.length < 2 ? values[0] : `${name}(${values.join(', ')})`;

/** SQL of the lowest and the highest allowed value, where there is such a bound. */
export const nearestValuesSql = (
  rule: RangeRule,
  type: DataType,
  dialect: Dialect,
): { lowest: string | undefined; highest: string | undefined } => ({
  lowest: extreme(
    lowerBounds(rule).map((bound) => nearestSql(bound, 1, type, dialect)),
    'greatest',
  ),
  highest: extreme(
    upperBounds(rule).map((bound) => nearestSql(bound, -1, type, dialect)),
    'least',
  ),
});

/** A range at work: `value` is the SQL of the value, `nan` whether it is no number, `below` and `above` where it is out of range. */
type RangePlace = { rule: RangeRule; type: DataType; value: string; nan: string[]; below: string[]; above: string[]; dialect: Dialect };

const any = (conditions: string[]): string => `coalesce(${conditions.map((condition) => `(${condition})`).join(' OR ')}, false)`;

const dropped = ({ value, nan, below, above }: RangePlace): RangeSql => ({
  value,
  dropped: any([...nan, ...below, ...above]),
  clamped: undefined,
});

const clamped = ({ rule, type, value, nan, below, above, dialect }: RangePlace): RangeSql => {
  const nearest = nearestValuesSql(rule, type, dialect);
  const branches = [
    ...(nan[0] === undefined ? [] : [`WHEN ${nan[0]} THEN ${value}`]),
    ...(nearest.lowest === undefined ? [] : [`WHEN ${any(below)} THEN ${nearest.lowest}`]),
    ...(nearest.highest === undefined ? [] : [`WHEN ${any(above)} THEN ${nearest.highest}`]),
  ];
  return {
    value: `CASE ${branches.join(' ')} ELSE ${value} END`,
    dropped: nan.length === 0 ? undefined : any(nan),
    clamped: any([...below, ...above]),
  };
};

// A plan without a strategy is refused before; dropping what is out of range is the safe side.
const STRATEGIES: Record<RangeStrategy, (place: RangePlace) => RangeSql> = {
  [RangeStrategy.UNSPECIFIED]: dropped,
  [RangeStrategy.DROP_RECORD]: dropped,
  [RangeStrategy.CLAMP]: clamped,
};

/** The rule for ranges over the SQL of a typed value. NULL is never out of range; NaN always is, and has no nearest value, so its row is dropped. */
export const rangeSql = (value: string, column: Column, dialect: Dialect): RangeSql => {
  const rule = column.range;
  if (rule === undefined) return { value, dropped: undefined, clamped: undefined };
  const type = columnType(column);
  const read = (bound: Bound): string => readTextSql(quoteLiteral(bound.text), type, dialect);
  const below = lowerBounds(rule).map((bound) => `${value} ${bound.exclusive ? '<=' : '<'} ${read(bound)}`);
  const above = upperBounds(rule).map((bound) => `${value} ${bound.exclusive ? '>=' : '>'} ${read(bound)}`);
  const nan = type.base === BaseType.DOUBLE ? [dialect.isNan(value)] : [];
  return STRATEGIES[rule.strategy]({ rule, type, value, nan, below, above, dialect });
};
