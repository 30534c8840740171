// The fields of the collection protocol and of the upload plan: where rows come from, and where they go.
import {
  FileFormat,
  MissingFields,
  type CollectionProtocol,
  type FileRead,
  type HttpRead,
  type NextUrlPaging,
  type OffsetPaging,
  type PageNumberPaging,
  type Paging,
  type ProtocolEntry,
  type ScriptBinding,
  type ScriptRef,
  type TableRead,
  type TokenPaging,
} from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { UploadMode, type TableUpload, type UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { csvOptions } from './csv.ts';
import { choice, id, integer, integers, name, names, text, textMap, type Field } from './field.ts';
import { inline, list, nested, oneOf, outside, shape, type Shape } from './shape.ts';
import { enumWords } from './words.ts';

const FILE_FORMATS = enumWords('FileFormat', FileFormat, 'lowerCamel');
const MISSING_FIELDS = enumWords('MissingFields', MissingFields);
const UPLOAD_MODES = enumWords('UploadMode', UploadMode, 'lowerCamel');

/** The highest rank of a source; row ids have room for it. */
export const MAX_RANK = 10_000;

const EXAMPLE_ID = '0192f0c0-0000-7000-8000-000000000001';
const tableName = (meaning: string): Field<string> => name('table', { meaning, example: 'person', required: true });
const sourceTable = tableName('The table of the module that the rows belong to.');
const rank = integer('rank', {
  meaning: 'The place in the order of the sources of the table, 1 = preferred.',
  min: 1,
  max: MAX_RANK,
  example: 1,
  required: true,
});
const connection = id('connection', { meaning: 'The connection; not for scripts that need none.', example: EXAMPLE_ID });
const sourceColumns = names('sourceColumns', {
  meaning: 'The columns of the table that the source has; the others are NULL from it.',
  example: ['id', 'age'],
  fallback: 'all',
});
const columnMapping = (meaning: string): Field<{ [key: string]: string }> =>
  textMap('columnMapping', { meaning, example: { age: 'years' } });

const scriptRef = shape<ScriptRef>({
  scriptId: id('script', { meaning: 'An extraction script.', example: EXAMPLE_ID }),
  version: integer('scriptVersion', {
    meaning: 'The version of the script.',
    example: 2,
    fallback: 'the newest released one',
    needs: ['script'],
  }),
});

const scriptBinding = shape<ScriptBinding>({
  table: sourceTable,
  rank,
  connectionId: connection,
  script: inline(scriptRef, 'scriptId'),
  parameters: textMap('parameters', { meaning: 'The parameters of the script.', example: { year: '1994' }, needs: ['script'] }),
  sourceColumns,
});

const tableRead = shape<TableRead>({
  connectionId: outside(connection),
  schema: text('schema', { meaning: 'The schema.', example: 'public', fallback: "the connection's default" }),
  table: text('table', { meaning: 'The table of the source.', iri: 'lethe:table', example: 'people', required: true, minLength: 1 }),
  columns: columnMapping('Column of the module to column of the source; the same name where absent.'),
});

const fileRead = shape<FileRead>({
  connectionId: outside(connection),
  path: text('path', { meaning: "The file, relative to the connection's root.", example: 'people.csv', required: true, minLength: 1 }),
  format: choice('format', FILE_FORMATS, { meaning: 'The format of the file.', required: true }),
  csv: nested('csv', csvOptions, { meaning: 'How a csv file is written.' }),
  columns: columnMapping('Column of the module to column or JSON pointer of the file; the same name where absent.'),
  encoding: text('encoding', {
    meaning: 'The encoding of the text, as a label of the WHATWG Encoding Standard.',
    iri: 'csvw:encoding',
    example: 'windows-1252',
    fallback: '`utf-8`',
    maxLength: 64,
  }),
});

const parameter = text('parameter', { meaning: 'The name of the query parameter.', example: 'page', required: true, minLength: 1 });

const endStatus = integers('endStatus', {
  meaning: 'Statuses of a page after the first that end the reading.',
  example: [404],
  min: 400,
  max: 499,
});

const maxPages = integer('maxPages', {
  meaning: 'The most pages that may be read; more are an error.',
  max: 1_000_000,
  example: 500,
  fallback: '1000000',
});

const pageNumberPaging = shape<PageNumberPaging>({
  parameter,
  first: integer('first', { meaning: 'The number of the first page.', example: 1, fallback: '0' }),
  endStatus,
  maxPages,
  pageCountPointer: text('pageCountPointer', {
    meaning: 'JSON pointer of the number of pages, after which the reading ends.',
    example: '/pages',
  }),
});

const offsetPaging = shape<OffsetPaging>({
  offsetParameter: text('offsetParameter', {
    meaning: 'The query parameter of the offset.',
    example: 'offset',
    required: true,
    minLength: 1,
  }),
  limitParameter: text('limitParameter', { meaning: 'The query parameter of the limit.', example: 'limit' }),
  limit: integer('limit', { meaning: 'Rows a page.', min: 1, max: 100_000, example: 1000, required: true }),
  endStatus,
  maxPages,
  totalPointer: text('totalPointer', {
    meaning: 'JSON pointer of the number of rows in all, after which the reading ends.',
    example: '/total',
  }),
});

const tokenPaging = shape<TokenPaging>({
  parameter,
  tokenPointer: text('tokenPointer', {
    meaning: 'JSON pointer of the token; reading ends without one.',
    example: '/next',
    required: true,
    minLength: 1,
  }),
  endStatus,
  maxPages,
});

const nextUrlPaging = shape<NextUrlPaging>({
  pointer: text('pointer', {
    meaning: 'JSON pointer of the URL of the next page, of the same origin; reading ends without one.',
    example: '/next',
    required: true,
    minLength: 1,
  }),
  endStatus,
  maxPages,
});

const paging = shape<Paging>({
  kind: oneOf<Paging['kind']>({
    pageNumber: nested('pageNumber', pageNumberPaging, { meaning: 'Pages by number.', always: true }),
    offset: nested('offset', offsetPaging, { meaning: 'Pages by offset and limit.', always: true }),
    token: nested('token', tokenPaging, { meaning: 'Pages by a token from the page before.', always: true }),
    nextUrl: nested('nextUrl', nextUrlPaging, { meaning: 'Pages by the URL of the next one in the page before.', always: true }),
  }),
});

const httpRead = shape<HttpRead>({
  connectionId: outside(connection),
  path: text('path', { meaning: "The path, relative to the connection's base URL.", example: '/people', required: true, minLength: 1 }),
  query: textMap('query', { meaning: 'Query parameters.', example: { country: 'NL' } }),
  rowsPointer: text('rowsPointer', { meaning: 'JSON pointer of the rows.', example: '/data', fallback: 'the whole body' }),
  paging: nested('paging', paging, { meaning: 'How pages follow each other; one request where absent.' }),
  columns: columnMapping('Column of the module to JSON pointer in a row; `/<name>` where absent.'),
  missingFields: choice('missingFields', MISSING_FIELDS, {
    meaning: 'What a row without a member that is read means.',
    fallback: '`Fail`',
  }),
});

const plainEntry = shape<ProtocolEntry>({
  table: sourceTable,
  rank,
  sourceColumns,
  collect: oneOf<ProtocolEntry['collect']>({
    script: inline(scriptBinding, 'script'),
    tableRead: nested('tableRead', tableRead, { meaning: 'Reads a table of a relational connection.' }),
    fileRead: nested('fileRead', fileRead, { meaning: 'Reads a file of a file connection.' }),
    httpRead: nested('httpRead', httpRead, { meaning: 'Reads rows from an HTTP API that gives JSON.' }),
  }),
});

// A script's binding has them itself.
const withoutPlace = (entry: ProtocolEntry): ProtocolEntry =>
  entry.collect?.$case === 'script' ? { ...entry, table: '', rank: 0, sourceColumns: [] } : entry;

const entry: Shape<ProtocolEntry> = {
  ...plainEntry,
  read: (from, above) => withoutPlace(plainEntry.read(from, above)),
  write: (value, into, above) => plainEntry.write(withoutPlace(value), into, above),
};

/** The collection protocol. */
export const protocol = inline(
  shape<CollectionProtocol>({ entries: list('protocol', entry, { meaning: 'How the tables are collected.', always: true }) }),
  'entries',
);

const tableUpload = shape<TableUpload>({
  table: tableName('The table.'),
  connectionId: id('connection', { meaning: 'The connection of the target.', example: EXAMPLE_ID, required: true }),
  mode: choice('mode', UPLOAD_MODES, { meaning: 'How a new version meets the ones before.', fallback: '`versioned`' }),
  schema: text('schema', { meaning: 'The schema of a relational target.', example: 'public', fallback: "the connection's default" }),
  target: text('target', {
    meaning: 'Name of the table, or of the file without its ending.',
    example: 'people',
    fallback: "the table's name",
  }),
  format: choice('format', FILE_FORMATS, { meaning: 'Files: the format; this version writes csv and refuses others.', fallback: '`csv`' }),
});

/** The upload plan. */
export const upload = inline(
  shape<UploadPlan>({ tables: list('upload', tableUpload, { meaning: 'Where the tables of the result go.', always: true }) }),
  'tables',
);
