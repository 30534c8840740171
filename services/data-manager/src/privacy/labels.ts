import { DateUnit, type GeneralizedColumn, type Intervals } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { quoteLiteral } from '../plan/identifiers.ts';
import { columnType } from '../plan/types.ts';
import { stageError } from '../domain/run-error.ts';

/** The label of a scheme's highest level. */
export const ROOT_LABEL = '*';

/**
 * The levels of a scheme that needs no table: SQL of the label of `value` at level 1, 2, … (the last is the root), and a condition that
 * every value meets, with what is wrong where one does not. NULL is not their concern. The leaves of such a column are the distinct values
 * in the data.
 */
export type LabelScheme = { labels: string[]; accepts?: string; refusal?: string };

const DECIMAL_TEXT = /^([+-]?)([0-9]+)(?:\.([0-9]*))?$/u;

type Decimal = { digits: bigint; scale: number };

const parseDecimal = (column: string, what: string, text: string): Decimal => {
  const match = DECIMAL_TEXT.exec(text);
  if (match === null) throw stageError('SCHEME_NUMBER_INVALID', { column, object: what });
  const [, sign = '', whole = '', fraction = ''] = match;
  const trimmed = fraction.replace(/0+$/u, '');
  const digits = BigInt(`${whole}${trimmed}`);
  return { digits: sign === '-' ? -digits : digits, scale: trimmed.length };
};

const rescale = ({ digits, scale }: Decimal, to: number): bigint => digits * 10n ** BigInt(to - scale);

/** The engine's HUGEINT holds 38 digits; a factor of 10 is kept for sums. */
const MAX_UNITS = 10n ** 37n;

const huge = (value: bigint): string => `CAST('${value}' AS HUGEINT)`;

const unitsSql = (type: DataType, scale: number): string =>
  type.base === BaseType.DECIMAL
    ? `CAST(replace(CAST(CAST(value AS DECIMAL(38,${scale})) AS VARCHAR), '.', '') AS HUGEINT)`
    : `(CAST(value AS HUGEINT) * ${huge(10n ** BigInt(scale))})`;

/** Text of an integer number of 10^-scale, without trailing zeros. */
const boundSql = (units: string, scale: number): string => {
  if (scale === 0) return `CAST(${units} AS VARCHAR)`;
  const power = huge(10n ** BigInt(scale));
  const fraction = `lpad(CAST(abs(${units}) % ${power} AS VARCHAR), ${scale}, '0')`;
  const digits = `CAST(abs(${units}) // ${power} AS VARCHAR) || '.' || ${fraction}`;
  return `(CASE WHEN ${units} < 0 THEN '-' ELSE '' END || rtrim(rtrim(${digits}, '0'), '.'))`;
};

const intervalText = (lower: string, upper: string, scale: number): string =>
  `'[' || ${boundSql(lower, scale)} || ', ' || ${boundSql(upper, scale)} || ')'`;

const exactInterval = (type: DataType, scale: number, origin: bigint, width: bigint): string => {
  const offset = `(${unitsSql(type, scale)} - ${huge(origin)})`;
  // The engine's remainder has the sign of the dividend; an interval begins below a negative value too.
  const lower = `(${offset} - ((${offset} % ${huge(width)}) + ${huge(width)}) % ${huge(width)} + ${huge(origin)})`;
  return intervalText(lower, `(${lower} + ${huge(width)})`, scale);
};

/** Doubles are put where the bounds' own values say, whatever the division rounds to. */
const doubleInterval = (scale: number, origin: bigint, width: bigint): string => {
  const guess = `CAST(floor((value * 1e${scale} - CAST(${huge(origin)} AS DOUBLE)) / CAST(${huge(width)} AS DOUBLE)) AS HUGEINT)`;
  const units = (step: string): string => `((${step}) * ${huge(width)} + ${huge(origin)})`;
  const bound = (step: string): string => `CAST(${boundSql(units(step), scale)} AS DOUBLE)`;
  const step = `CASE WHEN value < ${bound(guess)} THEN ${guess} - 1 WHEN value >= ${bound(`${guess} + 1`)} THEN ${guess} + 1 ELSE ${guess} END`;
  const limit = `1e${Math.max(0, 30 - scale)}`;
  return (
    `CASE WHEN isnan(value) THEN 'NaN' WHEN value >= ${limit} THEN '[${limit}, inf]' WHEN value <= -${limit} THEN '[-inf, -${limit}]' ` +
    `ELSE ${intervalText(units(step), units(`${step} + 1`), scale)} END`
  );
};

const intervalScheme = (column: Column, intervals: Intervals): LabelScheme => {
  const type = columnType(column);
  const numbers: readonly BaseType[] = [BaseType.INTEGER, BaseType.DECIMAL, BaseType.DOUBLE];
  if (!numbers.includes(type.base))
    throw stageError('SCHEME_TYPE_MISMATCH', { column: column.name, scheme: 'a scheme of intervals', type: 'a number' });
  const width = parseDecimal(column.name, 'width', intervals.width);
  const origin = parseDecimal(column.name, 'origin', intervals.origin === '' ? '0' : intervals.origin);
  if (width.digits <= 0n) throw stageError('SCHEME_INCOMPLETE', { column: column.name, object: 'the width of its intervals' });
  const scale = Math.max(width.scale, origin.scale, type.base === BaseType.DECIMAL ? type.scale : 0);
  const factor = BigInt(intervals.factor === 0 ? 2 : intervals.factor);
  const start = rescale(origin, scale);
  const labels = Array.from({ length: intervals.levels === 0 ? 1 : intervals.levels }, (_, index) => {
    const units = rescale(width, scale) * factor ** BigInt(index);
    if (units > MAX_UNITS) throw stageError('SCHEME_TOO_WIDE', { column: column.name, level: index + 1 });
    return type.base === BaseType.DOUBLE ? doubleInterval(scale, start, units) : exactInterval(type, scale, start, units);
  });
  return { labels: [...labels, quoteLiteral(ROOT_LABEL)] };
};

const YEAR = `CASE WHEN year(value) BETWEEN 0 AND 9999 THEN lpad(CAST(year(value) AS VARCHAR), 4, '0') ELSE CAST(year(value) AS VARCHAR) END`;

const unitLabel = (column: string, unit: DateUnit): string => {
  switch (unit) {
    case DateUnit.DAY:
      return `(${YEAR}) || strftime(value, '-%m-%d')`;
    case DateUnit.MONTH:
      return `(${YEAR}) || strftime(value, '-%m')`;
    case DateUnit.QUARTER:
      return `(${YEAR}) || '-Q' || CAST(quarter(value) AS VARCHAR)`;
    case DateUnit.YEAR:
      return YEAR;
    case DateUnit.DECADE:
      return `CAST(CAST(floor(year(value) / 10.0) AS BIGINT) * 10 AS VARCHAR) || 's'`;
    case DateUnit.UNSPECIFIED:
      throw stageError('SCHEME_INCOMPLETE', { column, object: 'a unit of its dates' });
  }
};

const dateScheme = (column: Column, units: readonly DateUnit[]): LabelScheme => {
  const dates: readonly BaseType[] = [BaseType.DATE, BaseType.DATETIME, BaseType.DATETIMESTAMP];
  if (!dates.includes(columnType(column).base))
    throw stageError('SCHEME_TYPE_MISMATCH', { column: column.name, scheme: 'a scheme of dates', type: 'a date' });
  if (units.length === 0) throw stageError('SCHEME_INCOMPLETE', { column: column.name, object: 'the list of units of its dates' });
  // An infinite date has no year; it is a label of its own up to the root.
  const labels = units.map((unit) => `CASE WHEN isfinite(value) THEN ${unitLabel(column.name, unit)} ELSE CAST(value AS VARCHAR) END`);
  return { labels: [...labels, quoteLiteral(ROOT_LABEL)] };
};

const prefixScheme = (column: Column, length: number, step: number): LabelScheme => {
  if (columnType(column).base !== BaseType.STRING)
    throw stageError('SCHEME_TYPE_MISMATCH', { column: column.name, scheme: 'a mask', type: 'a text' });
  if (length < 1) throw stageError('SCHEME_INCOMPLETE', { column: column.name, object: 'the length of its mask' });
  const labels = Array.from({ length: Math.ceil(length / step) - 1 }, (_, index) => {
    const shown = length - (index + 1) * step;
    return `left(value, ${shown}) || repeat('*', ${length - shown})`;
  });
  return {
    labels: [...labels, quoteLiteral(ROOT_LABEL)],
    accepts: `length(value) <= ${length}`,
    refusal: `hold a text of more than ${length} characters`,
  };
};

/** The labels of a scheme without a table. Throws a RunError with the column where the scheme does not fit it. */
export const labelScheme = (
  column: Column,
  scheme: Exclude<GeneralizedColumn['scheme'], { $case: 'hierarchy' } | undefined>,
): LabelScheme => {
  switch (scheme.$case) {
    case 'intervals':
      return intervalScheme(column, scheme.value);
    case 'dates':
      return dateScheme(column, scheme.value.units);
    case 'prefix':
      return prefixScheme(column, scheme.value.length, scheme.value.step === 0 ? 1 : scheme.value.step);
  }
};
