// How sources write values: the patterns of a CSVW datatype's format, read into parts.
import { BaseType, type DataType, type ValueFormat } from '@lethe/contracts/gen/lethe/module/v1/schema';

/** A part of a pattern of dates and times. */
export type DatePart =
  | { kind: 'year' | 'month' | 'day' | 'hour' | 'minute' | 'second'; digits: 1 | 2 | 4 }
  | { kind: 'fraction'; digits: number }
  | { kind: 'zone' }
  | { kind: 'literal'; text: string };

/** How numbers are written. `group` is '' where digits are not grouped. */
export type NumberForm = {
  decimal: string;
  group: string;
  minWhole: number;
  minFraction: number;
  /** Undefined: any. */
  maxFraction: number | undefined;
  hasExponent: boolean;
};

/** A format by the type of the values. */
export type ValueForm =
  { kind: 'dates'; parts: DatePart[] } | { kind: 'number'; form: NumberForm } | { kind: 'boolean'; yes: string; no: string };

const TOKENS = /yyyy|MM?|dd?|HH?|mm|ss|\.S+|X{1,3}|x{1,3}|T|[^A-Za-z]|[A-Za-z]+/g;

const DATE_TOKENS: Record<string, DatePart> = {
  yyyy: { kind: 'year', digits: 4 },
  MM: { kind: 'month', digits: 2 },
  M: { kind: 'month', digits: 1 },
  dd: { kind: 'day', digits: 2 },
  d: { kind: 'day', digits: 1 },
  HH: { kind: 'hour', digits: 2 },
  H: { kind: 'hour', digits: 1 },
  mm: { kind: 'minute', digits: 2 },
  ss: { kind: 'second', digits: 2 },
};

const datePart = (token: string): DatePart | undefined => {
  const known = DATE_TOKENS[token];
  if (known) return known;
  if (token.startsWith('.S')) return { kind: 'fraction', digits: token.length - 1 };
  if (/^x+$/i.test(token)) return { kind: 'zone' };
  return token === 'T' || !/[A-Za-z]/.test(token) ? { kind: 'literal', text: token } : undefined;
};

const NEEDS: Partial<Record<BaseType, readonly string[]>> = {
  [BaseType.DATE]: ['year', 'month', 'day'],
  [BaseType.TIME]: ['hour', 'minute'],
  [BaseType.DATETIME]: ['year', 'month', 'day', 'hour', 'minute'],
  [BaseType.DATETIMESTAMP]: ['year', 'month', 'day', 'hour', 'minute', 'zone'],
};

const readDates = ({ pattern, decimalChar, groupChar }: ValueFormat, base: BaseType): ValueForm | undefined => {
  const parts = (pattern.match(TOKENS) ?? []).map(datePart);
  const kinds = parts.flatMap((part) => (part === undefined || part.kind === 'literal' ? [] : [part.kind as string]));
  const needs = NEEDS[base] ?? [];
  const isWhole = needs.every((kind) => kinds.includes(kind)) && (base === BaseType.DATETIMESTAMP || !kinds.includes('zone'));
  const isTime = base !== BaseType.TIME || !kinds.some((kind) => ['year', 'month', 'day'].includes(kind));
  const isDivided = (!kinds.includes('second') || kinds.includes('minute')) && (!kinds.includes('minute') || kinds.includes('hour'));
  const isOnce = new Set(kinds).size === kinds.length && (!kinds.includes('fraction') || kinds.includes('second'));
  if (parts.includes(undefined) || !isWhole || !isTime || !isDivided || !isOnce || decimalChar !== '' || groupChar !== '') return undefined;
  return { kind: 'dates', parts: parts.filter((part) => part !== undefined) };
};

const NUMBER_PATTERN = /^(?<whole>[#,]*(?:0[0,]*)?)(?:\.(?<fraction>0*#*))?(?<exponent>E0+)?$/;

const readNumber = ({ pattern, decimalChar, groupChar }: ValueFormat, base: BaseType): ValueForm | undefined => {
  const decimal = decimalChar || '.';
  const parts = NUMBER_PATTERN.exec(pattern)?.groups;
  const hasPattern = pattern !== '';
  if (hasPattern && !parts) return undefined;
  const { whole = '', fraction, exponent } = parts ?? {};
  const sizes = whole.split(',').slice(1);
  // Groups of another size than three are not read.
  if (sizes.some((size) => size.length !== 3)) return undefined;
  const group = sizes.length > 0 ? groupChar || ',' : hasPattern ? '' : groupChar;
  const isForbidden = (character: string): boolean => /[0-9eE+-]/.test(character) || (character !== '' && character === decimal);
  if (isForbidden(group) || /[0-9eE+-]/.test(decimal) || (hasPattern && groupChar !== '' && group === '')) return undefined;
  if (exponent !== undefined && base !== BaseType.DOUBLE) return undefined;
  const form: NumberForm = {
    decimal,
    group,
    minWhole: whole.replaceAll(/[^0]/g, '').length,
    minFraction: (fraction ?? '').replaceAll('#', '').length,
    maxFraction: hasPattern ? (fraction?.length ?? 0) : undefined,
    hasExponent: exponent !== undefined || (!hasPattern && base === BaseType.DOUBLE),
  };
  return { kind: 'number', form };
};

const readBoolean = ({ pattern, decimalChar, groupChar }: ValueFormat): ValueForm | undefined => {
  const [yes = '', no = '', ...more] = pattern.split('|');
  const isRight = yes !== '' && no !== '' && yes !== no && more.length === 0 && decimalChar === '' && groupChar === '';
  return isRight ? { kind: 'boolean', yes, no } : undefined;
};

/** Reads the format of a type; undefined where the type has no such format. */
export const readFormat = ({ base, format }: DataType): ValueForm | undefined => {
  if (!format) return undefined;
  switch (base) {
    case BaseType.INTEGER:
    case BaseType.DECIMAL:
    case BaseType.DOUBLE:
      return readNumber(format, base);
    case BaseType.DATE:
    case BaseType.TIME:
    case BaseType.DATETIME:
    case BaseType.DATETIMESTAMP:
      return readDates(format, base);
    case BaseType.BOOLEAN:
      return readBoolean(format);
    default:
      return undefined;
  }
};
