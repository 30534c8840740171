import { BaseType, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Dialect } from './dialect.ts';
import { defect, invariant } from '../domain/defect.ts';

const DATE = String.raw`[0-9]{4,6}-[0-9]{2}-[0-9]{2}`;
// Digits beyond the sixth are taken where they are zero: nothing is lost.
const TIME = String.raw`[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6}0*)?)?`;
const MIDNIGHT = String.raw`[ T]00:00(:00(\.0*)?)?`;
const ZONE = String.raw`( ?[+-][0-9]{2}(:?[0-9]{2}(:[0-9]{2})?)?|Z)`;
const INFINITE = '-?infinity';

/**
 * The texts that a type is read from. The engine's own casts are more generous and silent about it: they round `1.5` to an
 * integer, take `0x1F` and `1_000`, lose a zone, an era or a seventh decimal of a second. A text outside these forms fails the cast;
 * what is spelled otherwise and loses nothing does not: `42.0` and `4.2e1` as an integer, a date at midnight.
 */
const textForm = (type: DataType): string => {
  switch (type.base) {
    case BaseType.INTEGER:
      return String.raw`[+-]?[0-9]+(\.0*)?`;
    case BaseType.DECIMAL:
      // RE2 repeats at most 1,000 times; a scale is at most 38.
      return type.scale === 0
        ? String.raw`[+-]?[0-9]+(\.0*)?`
        : String.raw`[+-]?([0-9]+(\.[0-9]{0,${type.scale}}0*)?|\.[0-9]{1,${type.scale}}0*)`;
    case BaseType.DOUBLE:
      return String.raw`[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?|(?i:[+-]?inf(inity)?|nan)`;
    case BaseType.DATE:
      return `${DATE}(${MIDNIGHT})?|${INFINITE}`;
    case BaseType.TIME:
      return TIME;
    case BaseType.DATETIME:
      return `${DATE}[ T]${TIME}|${INFINITE}`;
    case BaseType.DATETIMESTAMP:
      return `${DATE}[ T]${TIME}${ZONE}|${INFINITE}`;
    case BaseType.UUID:
      return '[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}';
    default:
      return '.*';
  }
};

/** The engine's type of a column. JSON stays text: its bytes are part of the value. */
export const engineType = (type: DataType, dialect: Dialect): string => {
  switch (type.base) {
    case BaseType.STRING:
    case BaseType.JSON:
      return dialect.text;
    case BaseType.BOOLEAN:
      return dialect.boolean;
    case BaseType.INTEGER:
      return dialect.integer;
    case BaseType.DECIMAL:
      return dialect.decimal(type.precision === 0 ? 38 : type.precision, type.scale);
    case BaseType.DOUBLE:
      return dialect.double;
    case BaseType.DATE:
      return dialect.date;
    case BaseType.TIME:
      return dialect.time;
    case BaseType.DATETIME:
      return dialect.timestamp;
    case BaseType.DATETIMESTAMP:
      return dialect.timestampWithZone;
    case BaseType.UUID:
      return dialect.uuid;
    case BaseType.BINARY:
      return dialect.bytes;
    case BaseType.UNSPECIFIED:
      throw defect('a column has no type');
  }
};

const POWER = String.raw`[+-]?([0-9]*)\.?([0-9]*)[eE]([+-]?[0-9]{1,3})`;
const NO_DIGIT = String.raw`[+-]?\.?[eE].*`;

/** SQL of a number written with a power of ten, NULL where digits would be lost: an integer, or a decimal. */
const readPower = (expression: string, type: DataType, dialect: Dialect): string => {
  const [whole, fraction, power] = [1, 2, 3].map((index) => dialect.group(expression, POWER, index));
  const digits = `rtrim(${whole} || ${fraction}, '0')`;
  // The place of the last digit that is not zero, counted from the point.
  const places = `length(${digits}) - length(${whole}) - CAST(${power} AS INTEGER)`;
  const exact = dialect.tryCast(
    expression,
    dialect.decimal(type.base === BaseType.INTEGER || type.precision === 0 ? 38 : type.precision, type.scale),
  );
  const isPower = `${dialect.matches(expression, POWER)} AND NOT ${dialect.matches(expression, NO_DIGIT)}`;
  return `CASE WHEN ${isPower} AND (${digits} = '' OR ${places} <= ${type.scale}) THEN ${dialect.tryCast(exact, engineType(type, dialect))} END`;
};

const readBoolean = (expression: string): string =>
  `CASE WHEN lower(${expression}) IN ('true', 't', '1') THEN true WHEN lower(${expression}) IN ('false', 'f', '0') THEN false END`;

/**
 * SQL that reads a text as the type: NULL where it cannot be read exactly. Booleans are true, t, 1, false, f, 0 in any case;
 * bytes are hexadecimal, with or without `\x` before them; an instant must name its zone; a decimal must fit its scale.
 */
export const readTextSql = (expression: string, type: DataType, dialect: Dialect): string => {
  const cast = dialect.tryCast(expression, engineType(type, dialect));
  switch (type.base) {
    case BaseType.STRING:
      return expression;
    case BaseType.JSON:
      return `CASE WHEN ${dialect.isJson(expression)} THEN ${expression} END`;
    case BaseType.BOOLEAN:
      return readBoolean(expression);
    case BaseType.BINARY: {
      const digits = `CASE WHEN starts_with(${expression}, '\\x') THEN substr(${expression}, 3) ELSE ${expression} END`;
      return `CASE WHEN ${dialect.matches(expression, String.raw`(\\x)?([0-9a-fA-F]{2})*`)} THEN ${dialect.bytesFromHex(digits)} END`;
    }
    case BaseType.DOUBLE: {
      // A number beyond the type's range becomes infinite in the cast, without a word.
      const overflow = `${dialect.isInfinite(cast)} AND NOT contains(lower(${expression}), 'inf')`;
      return `CASE WHEN ${dialect.matches(expression, textForm(type))} AND NOT (${overflow}) THEN ${cast} END`;
    }
    case BaseType.INTEGER:
      return `coalesce(${readAs(expression, dialect.before(expression, '.'), type, dialect)}, ${readPower(expression, type, dialect)})`;
    case BaseType.DECIMAL:
      return `coalesce(${readAs(expression, expression, type, dialect)}, ${readPower(expression, type, dialect)})`;
    case BaseType.DATE:
      return readAs(expression, dialect.before(dialect.before(expression, 'T'), ' '), type, dialect);
    case BaseType.DATETIMESTAMP: {
      // The engine takes a zone after seconds alone.
      const [moment, zone] = [1, 2].map((index) => dialect.group(expression, NO_SECONDS, index));
      const whole = `CASE WHEN ${dialect.matches(expression, NO_SECONDS)} THEN ${moment} || ':00' || ${zone} ELSE ${expression} END`;
      return readAs(expression, whole, type, dialect);
    }
    default:
      return readAs(expression, expression, type, dialect);
  }
};

const NO_SECONDS = String.raw`(.*[ T][0-9]{2}:[0-9]{2})( ?[+-][0-9:]+|Z)`;

const DATED: readonly BaseType[] = [BaseType.DATE, BaseType.DATETIME, BaseType.DATETIMESTAMP];

/** Reads what is left of a text in the form of the type. There is no year 0: no target has it. */
const readAs = (expression: string, rest: string, type: DataType, dialect: Dialect): string => {
  const isYear = DATED.includes(type.base) ? ` AND NOT ${dialect.matches(expression, '0+-.*')}` : '';
  return `CASE WHEN ${dialect.matches(expression, textForm(type))}${isYear} THEN ${dialect.tryCast(rest, engineType(type, dialect))} END`;
};

/**
 * SQL of a value's canonical text, which `readTextSql` reads back to the same value: decimals with all digits of their scale, dates
 * `YYYY-MM-DD`, instants in UTC, bytes as lower-case hexadecimal without a prefix.
 */
export const writeTextSql = (expression: string, type: DataType, dialect: Dialect): string => {
  switch (type.base) {
    case BaseType.STRING:
    case BaseType.JSON:
      return expression;
    case BaseType.BINARY:
      return dialect.hexFromBytes(expression);
    default:
      return dialect.tryCast(expression, dialect.text);
  }
};

/** SQL of the text that Postgres's COPY reads: the canonical one, but bytes with `\x`, without which bytea takes the digits as text. */
export const writePostgresTextSql = (expression: string, type: DataType, dialect: Dialect): string => {
  const text = writeTextSql(expression, type, dialect);
  return type.base === BaseType.BINARY ? `'\\x' || ${text}` : text;
};

/** The type of a column; a column without one is refused before a plan is made, so this is an error of the program. */
export const columnType = (column: { name: string; type: DataType | undefined }): DataType => {
  invariant(column.type, `column ${column.name} has no type`);
  return column.type;
};
