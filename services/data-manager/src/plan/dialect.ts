import { quoteLiteral } from './identifiers.ts';

/** What differs between the SQL of the engines. Every function of `plan/` that emits SQL takes one, so that another engine can follow. */
export type Dialect = {
  name: string;
  text: string;
  boolean: string;
  integer: string;
  double: string;
  date: string;
  time: string;
  timestamp: string;
  timestampWithZone: string;
  uuid: string;
  bytes: string;
  decimal: (precision: number, scale: number) => string;
  /** NULL where the text cannot be read as the type. */
  tryCast: (expression: string, type: string) => string;
  /** True where the whole text matches an RE2 pattern. */
  matches: (expression: string, pattern: string) => string;
  /** What a group of a pattern, counted from 1, matches in a text that the whole pattern matches. */
  group: (expression: string, pattern: string, index: number) => string;
  /** A number of one or two digits with two. */
  padTwo: (expression: string) => string;
  /** A text up to a separator; the whole text without one. */
  before: (expression: string, separator: string) => string;
  /** Canonical composition (NFC). */
  composed: (expression: string) => string;
  /** NULL where the text is not hexadecimal. */
  bytesFromHex: (expression: string) => string;
  /** Lower-case hexadecimal. */
  hexFromBytes: (expression: string) => string;
  isJson: (expression: string) => string;
  isNan: (expression: string) => string;
  isInfinite: (expression: string) => string;
  /** Cuts blanks from both ends. */
  trim: (expression: string) => string;
  addDay: (expression: string, days: 1 | -1) => string;
};

const JSON_TEXT = String.raw`"([^"\\]|\\.)*"`;
const NOT_JSON = String.raw`(?i)nan|inf|,\s*[\]}]`;

/** What counts as a blank: the white space of ASCII and the no-break space. */
const BLANKS = ' \t\n\v\f\r\u00a0';

export const DUCKDB: Dialect = {
  name: 'duckdb',
  text: 'VARCHAR',
  boolean: 'BOOLEAN',
  integer: 'BIGINT',
  double: 'DOUBLE',
  date: 'DATE',
  time: 'TIME',
  timestamp: 'TIMESTAMP',
  timestampWithZone: 'TIMESTAMP WITH TIME ZONE',
  uuid: 'UUID',
  bytes: 'BLOB',
  decimal: (precision, scale) => `DECIMAL(${precision},${scale})`,
  tryCast: (expression, type) => `TRY_CAST(${expression} AS ${type})`,
  matches: (expression, pattern) => `regexp_full_match(${expression}, ${quoteLiteral(pattern)})`,
  group: (expression, pattern, index) => `regexp_extract(${expression}, ${quoteLiteral(`^(?:${pattern})$`)}, ${index})`,
  padTwo: (expression) => `lpad(${expression}, 2, '0')`,
  before: (expression, separator) => `split_part(${expression}, ${quoteLiteral(separator)}, 1)`,
  composed: (expression) => `nfc_normalize(${expression})`,
  bytesFromHex: (expression) => `TRY(unhex(${expression}))`,
  hexFromBytes: (expression) => `lower(hex(${expression}))`,
  // The engine's own check lets NaN, Infinity and a comma before a closing bracket pass; texts are taken out before these are looked for.
  isJson: (expression) =>
    `(json_valid(${expression}) AND NOT regexp_matches(regexp_replace(${expression}, ${quoteLiteral(JSON_TEXT)}, '""', 'g'), ${quoteLiteral(NOT_JSON)}))`,
  isNan: (expression) => `isnan(${expression})`,
  isInfinite: (expression) => `isinf(${expression})`,
  trim: (expression) => `trim(${expression}, ${quoteLiteral(BLANKS)})`,
  addDay: (expression, days) => `(${expression} + (${days}))`,
};
