// Values as strings in the form of their datatype: whether they have it, and how two of them compare.
import { BaseType, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';

const TIME = String.raw`(?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?`;
const DATE = String.raw`\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])`;

const FORMS: Partial<Record<BaseType, RegExp>> = {
  [BaseType.BOOLEAN]: /^(?:true|false)$/,
  [BaseType.INTEGER]: /^[+-]?\d{1,19}$/,
  [BaseType.DOUBLE]: /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?$/,
  [BaseType.DATE]: new RegExp(`^${DATE}$`),
  [BaseType.TIME]: new RegExp(`^${TIME}$`),
  [BaseType.DATETIME]: new RegExp(`^${DATE}[T ]${TIME}$`),
  [BaseType.DATETIMESTAMP]: new RegExp(`^${DATE}[T ]${TIME}(?:Z|[+-]\\d{2}:\\d{2})$`),
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

const isRealDate = (text: string): boolean => {
  const date = text.slice(0, 10);
  const parsed = new Date(`${date}T00:00:00Z`);
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date);
};

/** Whether a text is a value of the type. */
export const isValue = (text: string, type: DataType): boolean => {
  if (type.base === BaseType.STRING) return true;
  if (type.base === BaseType.DECIMAL) return isDecimal(text, type);
  if (type.base === BaseType.JSON) return isJson(text);
  if (!(FORMS[type.base]?.test(text) ?? false)) return false;
  if (type.base === BaseType.INTEGER) return BigInt(text) <= INT64_MAX && BigInt(text) >= -INT64_MAX - 1n;
  const dated: readonly BaseType[] = [BaseType.DATE, BaseType.DATETIME, BaseType.DATETIMESTAMP];
  return !dated.includes(type.base) || isRealDate(text);
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

/** Compares two values of an ordered type: negative, 0, positive. */
export const compareValues = (left: string, right: string, type: DataType): number => {
  switch (type.base) {
    case BaseType.INTEGER:
    case BaseType.DECIMAL: {
      const difference = decimalParts(left) - decimalParts(right);
      return difference < 0n ? -1 : difference > 0n ? 1 : 0;
    }
    case BaseType.DOUBLE:
      return Number(left) - Number(right);
    case BaseType.DATETIMESTAMP:
      return Date.parse(left.replace(' ', 'T')) - Date.parse(right.replace(' ', 'T'));
    default:
      return left < right ? -1 : left > right ? 1 : 0;
  }
};
