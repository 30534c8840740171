// Uploads: each table has one target of its own, and the target's kind of connection can carry out what the plan asks.
import { FileFormat, type ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { TableUpload } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { enumName } from '@lethe/contracts/enum-name';
import type { EffectivePlan, PinnedScript } from '@lethe/contracts/gen/lethe/module/v1/plan';
import {
  connectionType,
  takesRead,
  takesScript,
  typesForLanguage,
  typesForRead,
  writesFiles,
  type ConnectionType,
  type ExtractionLanguage,
  type ReadKind,
} from './connection-types.ts';
import type { Report } from './violation.ts';

const MAX_NAME_BYTES = 63;
const FILE_NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_ .-]*$/u;

/** Whether a name can be that of a file in a folder: no path, nothing hidden. */
export const isFileName = (name: string): boolean => FILE_NAME.test(name) && !name.includes('..');

const hasControl = (text: string): boolean => /[\p{Cc}\u2028\u2029]/u.test(text);

/** Checks uploads against the tables of the result. */
export const checkUploads = (
  tables: readonly Pick<Table, 'name' | 'unpublished'>[],
  uploads: readonly TableUpload[],
  report: Report,
): void => {
  const targets = new Set<string>();
  uploads.forEach(({ table, connectionId, schema, target }, index) => {
    const pointer = `/upload/${index}`;
    const known = tables.find(({ name }) => name === table);
    if (!known) report(`${pointer}/table`, 'TABLE_UNKNOWN', `the upload names a missing table ${table}`);
    else if (known.unpublished) report(`${pointer}/table`, 'TABLE_UNPUBLISHED', `the table ${table} is not published`);
    if (Buffer.byteLength(target) > MAX_NAME_BYTES)
      report(`${pointer}/target`, 'NAME_TOO_LONG', `the target of table ${table} has more than ${MAX_NAME_BYTES} bytes`);
    if (hasControl(target) || hasControl(schema))
      report(`${pointer}/target`, 'NAME_MALFORMED', `the target of table ${table} has a control character in its name`);
    const key = JSON.stringify([connectionId, schema, target || table]);
    if (targets.has(key)) report(pointer, 'TARGET_TWICE', `two tables are uploaded to the target of table ${table}`);
    if (uploads.findIndex((other) => other.table === table) !== index)
      report(`${pointer}/table`, 'TABLE_TWICE', `the table ${table} is uploaded twice`);
    targets.add(key);
  });
};

const READS: Record<ReadKind, string> = { tableRead: 'TableRead', fileRead: 'FileRead', httpRead: 'HttpRead' };
const LANGUAGES: Record<ExtractionLanguage, string> = { SQL: 'SQL', TYPESCRIPT: 'TypeScript' };
const isExtractionLanguage = (word: string): word is ExtractionLanguage => Object.hasOwn(LANGUAGES, word);

/** Checks that the connection of a source is of the type that its read or its script needs. `typeOf` of an unknown connection is undefined. */
export const checkSourceTypes = (
  sources: readonly ProtocolEntry[],
  scripts: readonly PinnedScript[],
  typeOf: (connectionId: string) => string | undefined,
  report: Report,
): void =>
  sources.forEach(({ table: readTable, collect }, index) => {
    if (!collect) return;
    const refuse = (what: string, table: string, needs: string, has: string): void =>
      report(`/protocol/${index}`, 'CONNECTION_TYPE', `the ${what} of table ${table} needs a connection of type ${needs}, and has ${has}`);
    const type = typeOf(collect.value.connectionId);
    if (collect.$case !== 'script') {
      const [name, needed] = [READS[collect.$case], typesForRead(collect.$case)];
      if (collect.value.connectionId === '') refuse(name, readTable, needed, 'none');
      else if (type !== undefined && !takesRead(type, collect.$case)) refuse(name, readTable, needed, `one of type ${type}`);
      return;
    }
    const { script, table, connectionId } = collect.value;
    const pinned = scripts.find(({ scriptId, version }) => scriptId === script?.scriptId && version === script.version);
    const language = pinned?.language ?? '';
    if (!isExtractionLanguage(language)) return;
    const [name, needed] = [LANGUAGES[language], typesForLanguage(language)];
    if (connectionId === '' && language === 'SQL') refuse(`${name} script`, table, needed, 'none');
    else if (type !== undefined && !takesScript(type, language)) refuse(`${name} script`, table, needed, `one of type ${type}`);
  });

// Columns that every table of Postgres has (documentation, 5.6 System Columns), and the most that one may have (Appendix K).
const SYSTEM_COLUMNS = ['tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'];
const MAX_COLUMNS = 1600;

/** An upload and the names of the columns that it uploads. */
type Uploaded = TableUpload & { columns: readonly string[] };

/** What each type of connection carries out of an upload; one without a check takes none. */
const TARGETS: Record<ConnectionType, ((upload: Uploaded, pointer: string, report: Report) => void) | undefined> = {
  http: undefined,
  postgres: ({ table, format, columns }, pointer, report) => {
    for (const column of columns.filter((name) => SYSTEM_COLUMNS.includes(name)))
      report(pointer, 'COLUMN_RESERVED', `the column ${column} of table ${table} has the name of a system column of Postgres`);
    if (columns.length > MAX_COLUMNS)
      report(pointer, 'COLUMNS_TOO_MANY', `the table ${table} has ${columns.length} columns, and one of Postgres at most ${MAX_COLUMNS}`);
    if (format !== FileFormat.UNSPECIFIED)
      report(
        `${pointer}/format`,
        'FORMAT_UNUSABLE',
        `the upload of table ${table} has a file format, and its connection is of type postgres`,
      );
  },
  file: ({ table, target, schema, format }, pointer, report) => {
    if (format !== FileFormat.UNSPECIFIED && format !== FileFormat.CSV)
      report(
        `${pointer}/format`,
        'FORMAT_UNUSABLE',
        `the upload of table ${table} asks for the format ${enumName(FileFormat, format).toLowerCase()}; files are written as csv`,
      );
    if (schema !== '')
      report(`${pointer}/schema`, 'SCHEMA_UNUSABLE', `the upload of table ${table} names a schema, and its connection is of type file`);
    if (!isFileName(target || table))
      report(`${pointer}/target`, 'NAME_UNUSABLE', `the target of table ${table} cannot be the name of a file`);
  },
};

/** Checks that the connections of uploads can take them as they are written. */
export const checkUploadTypes = (
  { uploads, results }: Pick<EffectivePlan, 'uploads' | 'results'>,
  typeOf: (connectionId: string) => string | undefined,
  report: Report,
): void => {
  const files = new Set<string>();
  uploads.forEach((upload, index) => {
    const type = typeOf(upload.connectionId);
    if (type === undefined) return;
    const known = connectionType(type);
    const check = known && TARGETS[known];
    const columns = results.find(({ name }) => name === upload.table)?.columns.map(({ name }) => name) ?? [];
    if (check) check({ ...upload, columns }, `/upload/${index}`, report);
    else report(`/upload/${index}`, 'CONNECTION_TYPE', `the table ${upload.table} cannot be uploaded over a connection of type ${type}`);
    if (!writesFiles(type)) return;
    // File systems may take names that differ in case alone for the same.
    const file = `${upload.connectionId}/${(upload.target || upload.table).toLowerCase()}`;
    if (files.has(file)) report(`/upload/${index}`, 'TARGET_TWICE', `two tables are uploaded to the file of table ${upload.table}`);
    files.add(file);
  });
};
