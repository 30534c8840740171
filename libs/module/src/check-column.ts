// The rules of one column. Each strategy has an entry of its own, so a new one does not compile before it is decided here.
import { CastPolicy, EmptyStrategy, RangeStrategy, type RangeRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, type Column, type DataType, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { compareValues, hasNextValue, isOrdered, isValue, valuesBetween } from './datatype.ts';
import { readFormat } from './value-format.ts';
import type { Report } from './violation.ts';
import { carriesNative, parseNative } from './native-type.ts';

/** A column under check, with its type and the pointer to it. */
type TypedColumn = { table: Table; column: Column; type: DataType; pointer: string; report: Report };

/** `isRanged`: the column's range can be compared with. */
type Place = TypedColumn & { isRanged: boolean };

const MAX_DIGITS = 38;

const nameOf = (table: Table, column: Column): string => `the column ${column.name} of table ${table.name}`;

const checkType = (table: Table, column: Column, pointer: string, report: Report): DataType | undefined => {
  const { type } = column;
  if (!type || type.base === BaseType.UNSPECIFIED) {
    report(`${pointer}/datatype`, 'TYPE_MISSING', `${nameOf(table, column)} has no datatype`);
    return undefined;
  }
  const digits = type.precision || MAX_DIGITS;
  if (type.base === BaseType.DECIMAL && (digits < 1 || digits > MAX_DIGITS || type.scale < 0))
    report(`${pointer}/datatype`, 'DIGITS_IMPOSSIBLE', `${nameOf(table, column)} is a decimal, which has 1 to ${MAX_DIGITS} digits`);
  else if (type.base === BaseType.DECIMAL && type.scale > digits)
    report(`${pointer}/datatype`, 'SCALE_TOO_LARGE', `${nameOf(table, column)} has more digits after the point than in all`);
  if (type.format && !readFormat(type))
    report(`${pointer}/datatype/format`, 'FORMAT_UNKNOWN', `the format of ${nameOf(table, column)} is none of its datatype`);
  return type;
};

const inRange = (value: string, range: RangeRule, type: DataType): boolean =>
  (range.minimum === undefined || compareValues(value, range.minimum, type) >= 0) &&
  (range.maximum === undefined || compareValues(value, range.maximum, type) <= 0) &&
  (range.minExclusive === undefined || compareValues(value, range.minExclusive, type) > 0) &&
  (range.maxExclusive === undefined || compareValues(value, range.maxExclusive, type) < 0);

const INTEGERS = ['-9223372036854775808', '9223372036854775807'] as const;

/** Whether no value at all is in a range whose bounds are right. */
const isNothing = (range: RangeRule, type: DataType): boolean => {
  const { minimum, maximum, minExclusive, maxExclusive } = range;
  const isInteger = type.base === BaseType.INTEGER;
  const lower = minimum ?? minExclusive ?? (isInteger ? INTEGERS[0] : undefined);
  const upper = maximum ?? maxExclusive ?? (isInteger ? INTEGERS[1] : undefined);
  if (lower === undefined || upper === undefined) return false;
  const ends = Number(minExclusive === undefined) + Number(maxExclusive === undefined);
  const order = compareValues(lower, upper, type);
  if (order === 0) return ends < 2;
  return order < 0 && hasNextValue(type) && ends === 0 && valuesBetween(lower, upper, type) < 1n;
};

/** Checks a range; true when values can be compared with it. */
const checkRange = (range: RangeRule, { table, column, type, pointer, report }: TypedColumn): boolean => {
  const what = nameOf(table, column);
  const [lower, upper] = [range.minimum ?? range.minExclusive, range.maximum ?? range.maxExclusive];
  const bounds = [range.minimum, range.maximum, range.minExclusive, range.maxExclusive].filter((bound) => bound !== undefined);
  const isTwice = [lower, upper].filter((bound) => bound !== undefined).length < bounds.length;
  const isExclusive = range.minExclusive !== undefined || range.maxExclusive !== undefined;
  const refuse = (rule: string, message: string): false => {
    report(`${pointer}/datatype`, rule, message);
    return false;
  };
  if (!isOrdered(type)) return refuse('RANGE_UNORDERED', `the range of ${what} needs a datatype with an order`);
  if (bounds.length === 0) return refuse('RANGE_EMPTY', `the range strategy of ${what} needs a bound`);
  if (range.strategy === RangeStrategy.UNSPECIFIED) return refuse('RANGE_STRATEGY_MISSING', `a bound of ${what} needs a range strategy`);
  if (range.strategy === RangeStrategy.CLAMP && isExclusive && !hasNextValue(type))
    refuse('CLAMP_IMPOSSIBLE', `an exclusive bound of ${what} has no nearest allowed value`);
  if (bounds.some((bound) => !isValue(bound, type))) return refuse('VALUE_MALFORMED', `a bound of ${what} is not a value of the datatype`);
  if (isTwice) return refuse('RANGE_TWICE', `a bound of ${what} is given inclusive and exclusive`);
  if (lower !== undefined && upper !== undefined && compareValues(lower, upper, type) > 0)
    refuse('RANGE_REVERSED', `the lower bound of ${what} is above the upper`);
  else if (isNothing(range, type)) refuse('RANGE_NOTHING', `no value is in the range of ${what}`);
  return true;
};

const checkReplacement = ({ table, column, type, isRanged, pointer, report }: Place, word: string, value: string): void => {
  const what = nameOf(table, column);
  if (!isValue(value, type)) report(`${pointer}/${word}`, 'VALUE_MALFORMED', `a replacement of ${what} is not a value of the datatype`);
  else if (isRanged && column.range && !inRange(value, column.range, type))
    report(`${pointer}/${word}`, 'REPLACEMENT_OUT_OF_RANGE', `a replacement of ${what} is outside the range of its own column`);
};

/** What a strategy is checked for, and whether it leaves NULL where the source had none. */
type Strategy = { check: (place: Place) => void; leavesNull: (table: Table, column: Column) => boolean };

const never = (): boolean => false;
const always = (): boolean => true;
const nothing = (): void => undefined;

const EMPTY: Record<EmptyStrategy, Strategy> = {
  [EmptyStrategy.UNSPECIFIED]: {
    check: ({ table, column, pointer, report }) =>
      report(`${pointer}/emptyStrategy`, 'EMPTY_STRATEGY_MISSING', `the strategy for empty values of ${nameOf(table, column)} is missing`),
    leavesNull: always,
  },
  [EmptyStrategy.IGNORE]: { check: nothing, leavesNull: always },
  [EmptyStrategy.REPLACE_WITH]: {
    check: (place) => checkReplacement(place, 'replacement', place.column.empty?.replacement ?? ''),
    leavesNull: never,
  },
  [EmptyStrategy.DROP_RECORD]: { check: nothing, leavesNull: never },
};

const CAST: Record<CastPolicy, Strategy> = {
  [CastPolicy.UNSPECIFIED]: {
    check: ({ table, column, pointer, report }) =>
      report(`${pointer}/castPolicy`, 'CAST_POLICY_MISSING', `the policy for unreadable values of ${nameOf(table, column)} is missing`),
    leavesNull: never,
  },
  [CastPolicy.FAIL]: { check: nothing, leavesNull: never },
  [CastPolicy.DROP_RECORD]: { check: nothing, leavesNull: never },
  [CastPolicy.NULL]: { check: nothing, leavesNull: always },
  [CastPolicy.REPLACE_WITH]: {
    check: (place) => checkReplacement(place, 'castReplacement', place.column.cast?.replacement ?? ''),
    leavesNull: never,
  },
};

/** What only a text has. */
const checkTextOptions = ({ table, column, type, pointer, report }: TypedColumn): void => {
  if (type.base === BaseType.STRING) return;
  const refuse = (word: string): void =>
    report(`${pointer}/${word}`, 'TEXT_OPTION', `${nameOf(table, column)} is no text, which \`${word}\` is for`);
  if (column.normalize !== 0) refuse('normalize');
  if (column.emptyIsNull) refuse('emptyIsNull');
};

/** Options that say nothing beside the others. */
const checkUnused = ({ table, column: { name, empty, cast }, type, pointer, report }: TypedColumn): void => {
  const refuse = (word: string, needs: string): void =>
    report(`${pointer}/${word}`, 'OPTION_UNUSED', `\`${word}\` of the column ${name} of table ${table.name} says nothing without ${needs}`);
  if (empty && empty.replacement !== '' && empty.strategy !== EmptyStrategy.REPLACE_WITH) refuse('replacement', '`ReplaceWith`');
  if (cast && cast.replacement !== '' && cast.policy !== CastPolicy.REPLACE_WITH) refuse('castReplacement', '`ReplaceWith`');
  if (type.base !== BaseType.DECIMAL && (type.precision !== 0 || type.scale !== 0)) refuse('datatype', 'the base `decimal`');
};

/** A native type is a name of one, and its values are those of the base type. */
const checkNative = ({ table, column, type, pointer, report }: TypedColumn): void => {
  if (type.native === '') return;
  const native = parseNative(type.native);
  const refuse = (rule: string, message: string): void => report(`${pointer}/datatype/native`, rule, message);
  if (!native) refuse('NATIVE_MALFORMED', `the native type of ${nameOf(table, column)} is no name of a type`);
  else if (!carriesNative(type.base, native))
    refuse('NATIVE_MISMATCH', `the native type of ${nameOf(table, column)} has other values than its base type`);
};

/** Checks the type and the rules of a column. */
export const checkColumn = (table: Table, column: Column, pointer: string, report: Report): void => {
  const type = checkType(table, column, pointer, report);
  if (!type) return;
  const typed = { table, column, type, pointer, report };
  checkTextOptions(typed);
  checkNative(typed);
  const place = { ...typed, isRanged: column.range ? checkRange(column.range, typed) : false };
  checkUnused(typed);
  if (column.empty) EMPTY[column.empty.strategy].check(place);
  if (column.cast) CAST[column.cast.policy].check(place);
};

/** Whether a column may hold NULL after its own rules. */
export const mayBeEmpty = (table: Table, column: Column): boolean =>
  EMPTY[column.empty?.strategy ?? EmptyStrategy.IGNORE].leavesNull(table, column) ||
  CAST[column.cast?.policy ?? CastPolicy.FAIL].leavesNull(table, column);
