// Files → csv segments, by the reader of text.
import { FileFormat, type FileRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { opendir, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import {
  kindOfRead,
  type ConnectorLimits,
  type Description,
  type Extraction,
  type ResolvedConnection,
  type Source,
  type WrittenSegment,
} from '../connector.ts';
import { columnsOf } from '../text/columns.ts';
import { encodingOf } from '../text/decode.ts';
import { csvFormat } from '../text/csv-options.ts';
import { readFileInto, readHeaders, type TextFormat } from '../text/reader.ts';
import { inFolder } from './failure.ts';
import { fileIn, folderOf } from './root.ts';
import { stageError } from '../../domain/run-error.ts';

const MAX_FILES = 500;
const MAX_ENTRIES = 50_000;

// A message without a format is refused before; csv is what files mostly are.
const FORMATS: Record<FileFormat, (read: FileRead) => TextFormat> = {
  [FileFormat.UNSPECIFIED]: ({ csv }) => csvFormat(csv),
  [FileFormat.CSV]: ({ csv }) => csvFormat(csv),
  [FileFormat.JSONL]: () => ({ kind: 'lines' }),
  [FileFormat.JSON]: () => ({ kind: 'array', pointer: '', pagingPointers: [], isPage: false }),
};

/** What tells one state of a file from another; '' where it is gone. */
const stateOf = async (path: string): Promise<string> => {
  try {
    const { ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true });
    return [ino, size, mtimeNs, ctimeNs].join();
  } catch {
    return '';
  }
};

const extract = async (path: string, read: FileRead, extraction: Extraction): Promise<WrittenSegment[]> => {
  const object = `The file ${read.path}`;
  const encoding = encodingOf(read.encoding);
  if (encoding === undefined) throw stageError('TEXT_ENCODING_UNKNOWN', { object });
  const { table, directory, prefix, signal, onRows } = extraction;
  const columns = columnsOf(extraction.columns, read.columns);
  const before = await stateOf(path);
  const { segments } = await readFileInto(
    { table, directory, prefix, signal, onRows, columns, needsMembers: false },
    { path, object, encoding, packed: '', format: FORMATS[read.format](read) },
  ).catch(async (error: unknown) => {
    // What is wrong with a text that is half of two says nothing of either.
    throw signal.aborted || (await stateOf(path)) === before ? error : stageError('SOURCE_CHANGED', { object }, error);
  });
  if ((await stateOf(path)) !== before) throw stageError('SOURCE_CHANGED', { object });
  return segments;
};

/** The files of tables below a folder, of which at most one more than are shown is looked for. Links and hidden folders are not followed. */
const listTables = async (root: string): Promise<{ found: string[]; truncated: boolean }> => {
  const found: string[] = [];
  const folders = [root];
  let seen = 0;
  for (const folder of folders) {
    for await (const entry of await opendir(folder)) {
      seen += 1;
      if (seen > MAX_ENTRIES || found.length > MAX_FILES) return { found, truncated: true };
      if (entry.isDirectory() && !entry.name.startsWith('.')) folders.push(join(folder, entry.name));
      else if (entry.isFile() && /\.(?:csv|jsonl|json)$/.test(entry.name)) found.push(join(folder, entry.name));
    }
  }
  return { found: found.toSorted(), truncated: false };
};

const describe = async (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Description> => {
  const folder = await folderOf(connection, limits);
  const { found, truncated } = await listTables(folder);
  const files = found.slice(0, MAX_FILES);
  const csv = files.filter((path) => path.endsWith('.csv'));
  const headers = csv.length === 0 ? [] : await readHeaders(csv, signal);
  const tables = files.map((path) => ({
    schema: '',
    name: relative(folder, path),
    columns: (headers[csv.indexOf(path)] ?? []).map((name) => ({ name, sourceType: 'text', nullable: true })),
    estimatedRowCount: -1n,
  }));
  return { serverVersion: '', tables, truncated: truncated || found.length > MAX_FILES };
};

/** The reading side of a file connection. */
export const fileSource = (connection: ResolvedConnection, limits: ConnectorLimits): Source => ({
  describe: (signal) => inFolder('Describing the folder', () => describe(connection, limits, signal)),
  extract: async (extraction) => {
    const { read } = extraction;
    if (read.$case !== 'fileRead') throw stageError('READ_MISMATCH', { type: 'file', read: kindOfRead(read) });
    const path = await fileIn(await folderOf(connection, limits), read.value.path);
    return extract(path, read.value, extraction);
  },
});
