// The shape of a module document, as JSON Schema.
import { CONTEXT_URL } from './context.ts';
import * as terms from './terms.ts';

type Schema = Record<string, unknown>;

const object = (properties: Record<string, Schema>, required: string[] = [], more: Schema = {}): Schema => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
  ...more,
});
const array = (items: Schema, more: Schema = {}): Schema => ({ type: 'array', items, ...more });
const text = (more: Schema = {}): Schema => ({ type: 'string', ...more });
const word = ({ words }: { words: string[] }): Schema => ({ enum: words });
const flag: Schema = { type: 'boolean' };
const count = (minimum = 0, maximum = 2_147_483_647): Schema => ({ type: 'integer', minimum, maximum });
const name = text({ pattern: '^[A-Za-z][A-Za-z0-9_]{0,62}$' });
const filled = text({ minLength: 1 });
const uuid = text({ pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$' });
const texts: Schema = { type: 'object', additionalProperties: { type: 'string' } };

const requires = object({ k: count(2, 1_000_000_000), suppressionLimit: text({ pattern: String.raw`^(?:0(?:\.\d+)?|1(?:\.0+)?)$` }) }, [
  'k',
]);

const column = object(
  {
    name,
    description: text(),
    datatype: object(
      {
        base: word(terms.BASE_TYPES),
        minimum: text(),
        maximum: text(),
        minExclusive: text(),
        maxExclusive: text(),
        decimalDigits: count(1, 38),
        fractionDigits: count(0, 38),
      },
      ['base'],
    ),
    role: word(terms.ROLES),
    trim: flag,
    null: array(text()),
    emptyStrategy: word(terms.EMPTY_STRATEGIES),
    replacement: text(),
    castPolicy: word(terms.CAST_POLICIES),
    castReplacement: text(),
    rangeStrategy: word(terms.RANGE_STRATEGIES),
  },
  ['name', 'datatype', 'role'],
);

const foreignKey = object(
  {
    columnReference: array(name, { minItems: 1 }),
    reference: object({ resource: name, columnReference: array(name, { minItems: 1 }) }, ['resource', 'columnReference']),
    nullReference: word(terms.NULL_REFERENCES),
  },
  ['columnReference', 'reference'],
);

const table = object(
  {
    name,
    columns: array(column, { minItems: 1, maxItems: 1000 }),
    primaryKey: array(name, { minItems: 1, uniqueItems: true }),
    primaryKeyConflict: word(terms.KEY_CONFLICTS),
    withinSource: word(terms.WITHIN_SOURCE),
    foreignKeys: array(foreignKey),
    requires,
    privacy: { const: 'none' },
    noneReason: filled,
    unpublished: flag,
  },
  ['name', 'columns'],
  {
    dependentRequired: {
      primaryKey: ['primaryKeyConflict'],
      primaryKeyConflict: ['primaryKey'],
      privacy: ['noneReason'],
      noneReason: ['privacy'],
    },
  },
);

const paging: Schema = {
  oneOf: [
    object({ pageNumber: object({ parameter: filled, first: count() }, ['parameter']) }, ['pageNumber']),
    object(
      { offset: object({ offsetParameter: filled, limitParameter: text(), limit: count(1, 100_000) }, ['offsetParameter', 'limit']) },
      ['offset'],
    ),
    object({ token: object({ parameter: filled, tokenPointer: filled }, ['parameter', 'tokenPointer']) }, ['token']),
  ],
};

const entry = object(
  {
    table: name,
    rank: count(1, 10_000),
    connection: uuid,
    script: uuid,
    scriptVersion: count(),
    parameters: texts,
    tableRead: object({ schema: text(), table: filled, columnMapping: texts }, ['table']),
    fileRead: object(
      {
        path: filled,
        format: word(terms.FILE_FORMATS),
        csv: object({ delimiter: text({ maxLength: 1 }), quote: text({ maxLength: 1 }), header: array(text()) }),
        columnMapping: texts,
      },
      ['path', 'format'],
    ),
    httpRead: object({ path: filled, query: texts, rowsPointer: text(), paging, columnMapping: texts }, ['path']),
  },
  ['table', 'rank'],
  { oneOf: ['script', 'tableRead', 'fileRead', 'httpRead'].map((key) => ({ required: [key] })) },
);

const generalized = object(
  {
    column: name,
    hierarchy: filled,
    intervals: object({ origin: text(), width: filled, factor: count(0, 1000), levels: count(0, 32) }, ['width']),
    units: array(word(terms.DATE_UNITS), { minItems: 1 }),
    prefix: object({ length: count(1, 64), step: count(0, 64) }, ['length']),
    level: count(),
  },
  ['column'],
  { oneOf: ['hierarchy', 'intervals', 'units', 'prefix'].map((key) => ({ required: [key] })) },
);

const step = object(
  {
    table: name,
    rank: count(),
    generalize: object(
      {
        generalized: array(generalized, { minItems: 1 }),
        search: object({ metric: word(terms.METRICS), aggregate: word(terms.AGGREGATES) }),
      },
      ['generalized'],
    ),
    suppress: object({ scope: word(terms.SCOPES), suppressed: array(name, { minItems: 1 }), values: array(text()) }, [
      'scope',
      'suppressed',
    ]),
    pseudonymize: object({ pseudonymized: array(name, { minItems: 1 }), domain: text(), length: count(0, 64) }, ['pseudonymized']),
  },
  ['table', 'rank'],
  { oneOf: ['generalize', 'suppress', 'pseudonymize'].map((key) => ({ required: [key] })) },
);

const hierarchy = object({ name: filled, rows: array(array(text(), { minItems: 2 })), table: name }, ['name'], {
  oneOf: [{ required: ['rows'] }, { required: ['table'] }],
});

/** The schema of a document. */
export const DOCUMENT_SCHEMA: Schema = object(
  {
    '@context': { const: CONTEXT_URL },
    '@type': { const: ['Dataset', 'DataModule'] },
    name: filled,
    description: text(),
    license: text(),
    creator: text(),
    keywords: array(text()),
    tables: array(table, { minItems: 1, maxItems: 1000 }),
    protocol: array(entry),
    upload: array(
      object(
        { table: name, connection: uuid, mode: word(terms.UPLOAD_MODES), schema: text(), target: text(), format: word(terms.FILE_FORMATS) },
        ['table', 'connection'],
      ),
    ),
    anonymization: object({
      steps: array(step),
      hierarchies: array(hierarchy),
      requirements: object({ byTable: { type: 'object', additionalProperties: requires } }),
    }),
    provenance: object({ version: text(), previousVersion: text(), run: text(), module: text(), contentHashes: texts }),
  },
  ['@context', '@type', 'name', 'tables'],
);
