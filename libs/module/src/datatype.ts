// Values as strings in the form of their datatype: whether they have it, and how two of them compare.
import { BaseType, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';

// The last moment of a day is the first of the next one too.
const TIME = String.raw`(?:(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?|24:00(?::00(?:\.0{1,6})?)?)`;
const OFFSET = String.raw`(?:Z|[+-](?:0\d|1[0-5])(?::[0-5]\d(?::[0-5]\d)?)?)`;
const DATE = String.raw`\d{4,6}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;
const INFINITE = '-?infinity';
const INFINITE_DOUBLE = /^([+-]?)inf(?:inity)?$/i;
const NOT_A_NUMBER = /^nan$/i;

const FORMS: Partial<Record<BaseType, RegExp>> = {
  [BaseType.BOOLEAN]: /^(?:true|false)$/,
  [BaseType.INTEGER]: /^[+-]?\d{1,19}$/,
  [BaseType.DOUBLE]: /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/,
  [BaseType.DATE]: new RegExp(`^(?:${DATE}|${INFINITE})$`),
  [BaseType.TIME]: new RegExp(`^${TIME}$`),
  [BaseType.DATETIME]: new RegExp(`^(?:${DATE}[T ]${TIME}|${INFINITE})$`),
  [BaseType.DATETIMESTAMP]: new RegExp(`^(?:${DATE}[T ]${TIME}${OFFSET}|${INFINITE})$`),
  [BaseType.UUID]: /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i,
  [BaseType.BINARY]: /^(?:[0-9a-f]{2})*$/i,
};

const INT64_MAX = 2n ** 63n - 1n;

const isDecimal = (text: string, { precision, scale }: DataType): boolean => {
  const match = /^[+-]?(\d{1,38})(?:\.(\d{1,38}))?$/.exec(text);
  if (!match) return false;
  const digits = (match[1] ?? '').replace(/^0+/, '').length;
  return (match[2] ?? '').replace(/0+$/, '').length <= scale && digits <= (precision || 38) - scale;
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

const isLeap = (year: number): boolean => year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

const dateParts = (text: string): [year: number, month: number, day: number] => {
  const [, year, month, day] = /^(\d{4,6})-(\d{2})-(\d{2})/.exec(text) ?? [];
  return [Number(year), Number(month), Number(day)];
};

const isRealDate = (text: string): boolean => {
  if (text.endsWith('infinity')) return true;
  const [year, month, day] = dateParts(text);
  // No target has a year 0.
  if (year === 0) return false;
  return day <= (MONTH_DAYS[month - 1] ?? 0) + (month === 2 && isLeap(year) ? 1 : 0);
};

/** Whether a text is a value of the type: in the form that documents have, or as the engine writes it. */
export const isValue = (text: string, type: DataType): boolean => {
  if (type.base === BaseType.STRING) return true;
  if (type.base === BaseType.DECIMAL) return isDecimal(text, type);
  if (type.base === BaseType.JSON) return isJson(text);
  if (type.base === BaseType.DOUBLE && (INFINITE_DOUBLE.test(text) || NOT_A_NUMBER.test(text))) return true;
  if (!(FORMS[type.base]?.test(text) ?? false)) return false;
  if (type.base === BaseType.INTEGER) return BigInt(text) <= INT64_MAX && BigInt(text) >= -INT64_MAX - 1n;
  if (type.base === BaseType.DOUBLE) return Number.isFinite(Number(text));
  if (type.base === BaseType.DATE) return isRealDate(text);
  const isMoment = type.base === BaseType.DATETIME || type.base === BaseType.DATETIMESTAMP;
  return !isMoment || (isRealDate(text) && (text.endsWith('infinity') || instantMicros(text) < INT64_MAX));
};

/** Whether values of the type have an order that ranges use. */
export const isOrdered = (type: DataType): boolean => {
  const ordered: readonly BaseType[] = [
    BaseType.INTEGER,
    BaseType.DECIMAL,
    BaseType.DOUBLE,
    BaseType.DATE,
    BaseType.TIME,
    BaseType.DATETIME,
    BaseType.DATETIMESTAMP,
  ];
  return ordered.includes(type.base);
};

/** Whether each value has a next one, so that an exclusive bound has a nearest allowed value. */
export const hasNextValue = (type: DataType): boolean => type.base === BaseType.INTEGER || type.base === BaseType.DATE;

const decimalParts = (text: string): bigint => {
  const [, sign = '', whole = '0', part = ''] = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text) ?? [];
  const value = BigInt(`${whole || '0'}${part.padEnd(38, '0').slice(0, 38)}`);
  return sign === '-' ? -value : value;
};

const MICROS_PER_SECOND = 1_000_000n;

/** A time of day in microseconds: what is left out at its end is 0. */
const timeMicros = (text: string): bigint => {
  const [, hours = '0', minutes = '0', seconds = '0', fraction = ''] = /(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d+))?)?/.exec(text) ?? [];
  return (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * MICROS_PER_SECOND + BigInt(fraction.padEnd(6, '0'));
};

/** The offset from UTC in microseconds; 0 for `Z` and for times without a zone. */
const offsetMicros = (text: string): bigint => {
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /([+-])(\d{2})(?::(\d{2})(?::(\d{2}))?)?$/.exec(text) ?? [];
  const micros = (BigInt(hours) * 3600n + BigInt(minutes) * 60n + BigInt(seconds)) * MICROS_PER_SECOND;
  return sign === '-' ? -micros : micros;
};

/** The days of a date of the proleptic Gregorian calendar since 1970-01-01 (Hinnant, chrono-compatible date algorithms). */
const dayNumber = (text: string): bigint => {
  const [year, month, day] = dateParts(text);
  // Years that begin in March, so that a leap day is the last of its year.
  const shifted = month <= 2 ? year - 1 : year;
  const era = Math.floor(shifted / 400);
  const ofEra = shifted - era * 400;
  const ofYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  return BigInt(era * 146_097 + ofEra * 365 + Math.floor(ofEra / 4) - Math.floor(ofEra / 100) + ofYear - 719_468);
};

const MICROS_PER_DAY = 86_400n * MICROS_PER_SECOND;
// Beyond every date that can be written.
const NEVER_MICROS = 10n ** 30n;

/** A date, with or without a time, in microseconds since 1970 UTC: `Date` alone would lose what is below a millisecond. */
const instantMicros = (text: string): bigint => {
  if (text.endsWith('infinity')) return text.startsWith('-') ? -NEVER_MICROS : NEVER_MICROS;
  const length = text.search(/[T ]|$/);
  const day = dayNumber(text) * MICROS_PER_DAY;
  return length === text.length ? day : day + timeMicros(text.slice(length + 1)) - offsetMicros(text.slice(length + 1));
};

const asInteger = (text: string, base: BaseType): bigint => {
  switch (base) {
    case BaseType.TIME:
      return timeMicros(text);
    case BaseType.DATE:
    case BaseType.DATETIME:
    case BaseType.DATETIMESTAMP:
      return instantMicros(text);
    default:
      return decimalParts(text);
  }
};

const asDouble = (text: string): number => {
  const infinite = INFINITE_DOUBLE.exec(text);
  if (infinite) return infinite[1] === '-' ? -Infinity : Infinity;
  return NOT_A_NUMBER.test(text) ? Number.NaN : Number(text);
};

// As databases sort: what is no number is equal to itself, and above all numbers.
const compareDoubles = (left: number, right: number): number => {
  if (Number.isNaN(left) || Number.isNaN(right)) return Number(Number.isNaN(left)) - Number(Number.isNaN(right));
  return left < right ? -1 : left > right ? 1 : 0;
};

/** Compares two values of an ordered type: negative, 0, positive. */
export const compareValues = (left: string, right: string, type: DataType): number => {
  if (type.base === BaseType.DOUBLE) return compareDoubles(asDouble(left), asDouble(right));
  const difference = asInteger(left, type.base) - asInteger(right, type.base);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
};

const DECIMAL_ONE = 10n ** 38n;

/** How many values of a type with next values lie strictly between two: negative when the first is the later. */
export const valuesBetween = (lower: string, upper: string, type: DataType): bigint =>
  (asInteger(upper, type.base) - asInteger(lower, type.base)) / (type.base === BaseType.DATE ? MICROS_PER_DAY : DECIMAL_ONE) - 1n;
