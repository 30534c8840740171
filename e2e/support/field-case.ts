// A field case: a folder with a situation that users of data tools meet, its inputs, and what comes of it. This file reads it; a key that is not known is an error.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A value as JSON has it; `number` where JSON is not exact. */
export type Cell = null | boolean | number | string | { number: string };
/** The rows of a table in any order, or how many there are. */
export type Rows = number | Cell[][];

/** What a run says of its rows; rules by their name. */
export type Report = {
  read?: number;
  suppressed?: number;
  stored?: number;
  dropped?: Record<string, number>;
};

/** Where a document, a run or an upload may be refused. */
export const STAGES = ['create', 'release', 'run', 'edit', 'upload'] as const;
export type Stage = (typeof STAGES)[number];

/** The rows are uploaded, and what else is right of them. `recollect`: the published document makes a module that collects the same content. */
export type Uploaded = {
  uploaded: Record<string, Rows>;
  report?: Record<string, Report>;
  version?: string;
  recollect?: true;
  requests?: number;
};

/** Something is refused: where, for which reason, and words or /patterns/ that its sentence says, or does not. */
export type Refused = { refusedAt: Stage; reason: string; says: string[]; neverSays?: string[]; requests?: number };
export type Expectation = Uploaded | Refused;

/** A new row of a table; a column that it does not name is NULL. */
export type Edit = { table: string; add: Record<string, Cell> };

export type Document = Record<string, unknown> & { tables: { name: string; columns: { name: string; datatype: { base: string } }[] }[] };

export type FieldCase = {
  name: string;
  folder: string;
  why: string;
  files: string[];
  sourceSql?: string;
  server?: string;
  document: Document;
  transform?: string;
  edits: Edit[];
  again: boolean;
  filesBetween: Record<string, string>;
  targetBetween?: string;
  columnsAfter?: string[];
  expect: Expectation;
};

const object = (properties: object, required: string[] = []) => ({ type: 'object', additionalProperties: false, required, properties });
const mapOf = (additionalProperties: object) => ({ type: 'object', additionalProperties });
const listOf = (items: object, minItems = 0) => ({ type: 'array', items, minItems });
const oneOf = (...anyOf: object[]) => ({ anyOf });

const TEXT = { type: 'string', minLength: 1 };
const COUNT = { type: 'integer', minimum: 0 };
const TRUE = { const: true };
const CELL = oneOf({ type: ['null', 'boolean', 'number', 'string'] }, object({ number: TEXT }, ['number']));
const COUNTS = mapOf(COUNT);
const REPORT = object({
  read: COUNT,
  suppressed: COUNT,
  stored: COUNT,
  dropped: COUNTS,
});

const UPLOADED = object(
  {
    uploaded: mapOf(oneOf(COUNT, listOf(listOf(CELL)))),
    report: mapOf(REPORT),
    version: TEXT,
    recollect: TRUE,
    requests: COUNT,
  },
  ['uploaded'],
);
const REFUSED = object({ refusedAt: { enum: STAGES }, reason: TEXT, says: listOf(TEXT, 1), neverSays: listOf(TEXT, 1), requests: COUNT }, [
  'refusedAt',
  'reason',
  'says',
]);
const EDIT = object({ table: TEXT, add: mapOf(CELL) }, ['table', 'add']);

const isCase = new Ajv2020({ allowUnionTypes: true }).compile(
  object(
    {
      why: TEXT,
      files: listOf(TEXT, 1),
      sourceSql: TEXT,
      server: TEXT,
      document: { type: 'object', required: ['tables', 'protocol'] },
      transform: TEXT,
      edits: listOf(EDIT, 1),
      again: TRUE,
      filesBetween: mapOf(TEXT),
      targetBetween: TEXT,
      columnsAfter: listOf(TEXT, 1),
      expect: oneOf(UPLOADED, REFUSED),
    },
    ['why', 'document', 'expect'],
  ),
);

/** The members that a document of a case may leave out: rows that need no privacy, uploaded under the table's name. */
const withDefaults = (document: Document): Document => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'field case',
  upload: document.tables.map(({ name }) => ({ table: name, connection: '$target', mode: 'versioned', target: name })),
  ...document,
  tables: document.tables.map((table) => ({
    ...('requires' in table ? {} : { privacy: 'none', noneReason: 'made up for a test' }),
    ...table,
    columns: table.columns.map((column) => ({ role: 'insensitive', ...column })),
  })),
});

/** The files of a case's folder that nothing in it names: a fixture that a misspelled name leaves out. */
const strayFiles = (folder: string, { files, sourceSql, server, transform, filesBetween, targetBetween }: FieldCase): string[] => {
  const named = new Set(['case.json', ...files, ...Object.values(filesBetween), sourceSql, server, transform, targetBetween]);
  return readdirSync(folder).filter((name) => !named.has(name));
};

/** Checks what a case says. */
export const parseCase = (value: unknown, folder: string): FieldCase => {
  const name = basename(folder);
  if (!isCase(value)) {
    const problems = (isCase.errors ?? []).map(
      ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
    );
    throw new Error(`${name}/case.json: ${problems.join('; ')}`);
  }
  const given = value as Pick<FieldCase, 'why' | 'document' | 'expect'> & Partial<FieldCase>;
  const defaults = { files: [], edits: [], again: false, filesBetween: {} };
  return { ...defaults, ...given, name, folder, document: withDefaults(given.document) };
};

/** Reads a case from its folder. */
export const readCase = (folder: string): FieldCase => {
  const found = parseCase(JSON.parse(readFileSync(join(folder, 'case.json'), 'utf8')), folder);
  const stray = strayFiles(folder, found);
  if (stray.length > 0) throw new Error(`${found.name}/case.json does not name ${stray.join(', ')}`);
  return found;
};

/** Reads all cases of a folder, in the order of their names. */
export const readCases = (folder: string): FieldCase[] =>
  readdirSync(folder)
    .toSorted()
    .map((name) => readCase(join(folder, name)));
