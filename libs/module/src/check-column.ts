// The rules of one column.
import { CastPolicy, EmptyStrategy, RangeStrategy, type RangeRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { compareValues, hasNextValue, isOrdered, isValue } from './datatype.ts';
import type { Report } from './violation.ts';

const checkType = (type: DataType | undefined, pointer: string, report: Report): type is DataType => {
  if (!type || type.base === BaseType.UNSPECIFIED) {
    report(`${pointer}/datatype`, 'TYPE_MISSING', 'the column has no datatype');
    return false;
  }
  if (type.base === BaseType.DECIMAL && type.scale > (type.precision || 38))
    report(`${pointer}/datatype`, 'SCALE_TOO_LARGE', 'a decimal has more digits after the point than in all');
  return true;
};

const inRange = (value: string, range: RangeRule, type: DataType): boolean =>
  (range.minimum === undefined || compareValues(value, range.minimum, type) >= 0) &&
  (range.maximum === undefined || compareValues(value, range.maximum, type) <= 0) &&
  (range.minExclusive === undefined || compareValues(value, range.minExclusive, type) > 0) &&
  (range.maxExclusive === undefined || compareValues(value, range.maxExclusive, type) < 0);

const checkRange = (range: RangeRule, type: DataType, pointer: string, report: Report): boolean => {
  const bounds = [range.minimum, range.maximum, range.minExclusive, range.maxExclusive].filter((bound) => bound !== undefined);
  if (!isOrdered(type)) report(pointer, 'RANGE_UNORDERED', 'a range needs a datatype with an order');
  else if (bounds.length === 0) report(pointer, 'RANGE_EMPTY', 'a range strategy needs a bound');
  else if (range.strategy === RangeStrategy.UNSPECIFIED) report(pointer, 'RANGE_STRATEGY_MISSING', 'a bound needs a range strategy');
  else if (bounds.some((bound) => !isValue(bound, type))) report(pointer, 'VALUE_MALFORMED', 'a bound is not a value of the datatype');
  else if (
    (range.minimum !== undefined && range.minExclusive !== undefined) ||
    (range.maximum !== undefined && range.maxExclusive !== undefined)
  )
    report(pointer, 'RANGE_TWICE', 'a bound is given inclusive and exclusive');
  else return checkBounds(range, type, pointer, report);
  return false;
};

const checkBounds = (range: RangeRule, type: DataType, pointer: string, report: Report): boolean => {
  const [lower, upper] = [range.minimum ?? range.minExclusive, range.maximum ?? range.maxExclusive];
  if (lower !== undefined && upper !== undefined && compareValues(lower, upper, type) > 0)
    report(pointer, 'RANGE_REVERSED', 'the lower bound is above the upper');
  const exclusive = range.minExclusive !== undefined || range.maxExclusive !== undefined;
  if (range.strategy === RangeStrategy.CLAMP && exclusive && !hasNextValue(type))
    report(pointer, 'CLAMP_IMPOSSIBLE', 'an exclusive bound of this datatype has no nearest allowed value');
  return true;
};

const checkReplacement = (column: Column, type: DataType, value: string, pointer: string, ranged: boolean, report: Report): void => {
  if (!isValue(value, type)) report(pointer, 'VALUE_MALFORMED', 'a replacement is not a value of the datatype');
  else if (ranged && column.range && !inRange(value, column.range, type))
    report(pointer, 'REPLACEMENT_OUT_OF_RANGE', 'a replacement is outside the range of its own column');
};

/** Checks a column by itself. */
export const checkColumn = (column: Column, pointer: string, report: Report): void => {
  if (column.role === Role.UNSPECIFIED) report(`${pointer}/role`, 'ROLE_MISSING', 'the column has no role');
  const { type } = column;
  if (!checkType(type, pointer, report)) return;
  const ranged = column.range ? checkRange(column.range, type, `${pointer}/datatype`, report) : false;
  if (column.empty?.strategy === EmptyStrategy.REPLACE_WITH)
    checkReplacement(column, type, column.empty.replacement, `${pointer}/replacement`, ranged, report);
  if (column.empty?.strategy === EmptyStrategy.UNSPECIFIED)
    report(`${pointer}/emptyStrategy`, 'EMPTY_STRATEGY_MISSING', 'the strategy for empty values is missing');
  if (column.cast?.policy === CastPolicy.REPLACE_WITH)
    checkReplacement(column, type, column.cast.replacement, `${pointer}/castReplacement`, ranged, report);
};

/** Whether a column may hold NULL after its own rules. */
export const mayBeEmpty = ({ empty, cast }: Column): boolean =>
  !empty || empty.strategy === EmptyStrategy.IGNORE || cast?.policy === CastPolicy.NULL;
