// Types of a store beyond the base types: what they are called, and which base types can carry their values.
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';

/** A type of Postgres by its name, as `format_type` writes it. `parameters` are those in parentheses. */
export type NativeType = { name: string; parameters: number[]; isArray: boolean };

// Words, with a schema before them or not; what is in parentheses may stand in the middle, as in `timestamp(3) with time zone`.
const FORM = /^([a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*|(?: [a-z]+)*))(?:\(([0-9]{1,8})(?:,([0-9]{1,4}))?\))?((?: [a-z]+)*)((?:\[\])*)$/i;

/** Reads a native type; undefined where it is no name of one. */
export const parseNative = (text: string): NativeType | undefined => {
  const match = FORM.exec(text);
  if (!match) return undefined;
  const [, first = '', length, scale, rest = '', brackets = ''] = match;
  const parameters = [length, scale].filter((part) => part !== undefined).map(Number);
  return { name: `${first}${rest}`.toLowerCase(), parameters, isArray: brackets !== '' };
};

const { STRING, INTEGER, DECIMAL, DOUBLE, BOOLEAN, DATE, TIME, DATETIME, DATETIMESTAMP, UUID, JSON: JSON_TEXT, BINARY } = BaseType;

/** The base types whose values are those of a native type. Any other type is carried as the text that its server writes. */
const CARRIERS: Record<string, readonly BaseType[]> = {
  ...Object.fromEntries(['smallint', 'int2', 'integer', 'int', 'int4', 'bigint', 'int8'].map((name) => [name, [INTEGER]])),
  ...Object.fromEntries(['numeric', 'decimal'].map((name) => [name, [DECIMAL, INTEGER, STRING]])),
  ...Object.fromEntries(['real', 'float4', 'double precision', 'float8'].map((name) => [name, [DOUBLE]])),
  boolean: [BOOLEAN],
  date: [DATE],
  time: [TIME],
  'time without time zone': [TIME],
  timestamp: [DATETIME],
  'timestamp without time zone': [DATETIME],
  timestamptz: [DATETIMESTAMP],
  'timestamp with time zone': [DATETIMESTAMP],
  uuid: [UUID],
  json: [JSON_TEXT, STRING],
  jsonb: [JSON_TEXT, STRING],
  bytea: [BINARY],
};

/** Whether a base type carries the values of a native type. */
export const carriesNative = (base: BaseType, { name, isArray }: NativeType): boolean =>
  (isArray ? [STRING] : (CARRIERS[name] ?? [STRING])).includes(base);
