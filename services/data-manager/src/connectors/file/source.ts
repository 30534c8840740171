// Files → csv segments. csv is converted by the engine, jsonl line by line, so that numbers keep their digits.
import { FileFormat, type CsvOptions, type FileRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { parse } from 'csv-parse';
import { createReadStream } from 'node:fs';
import { copyFile, readdir, rm, stat } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { createInterface } from 'node:readline';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import {
  kindOfRead,
  sourceColumn,
  type ConnectorLimits,
  type Description,
  type Extraction,
  type ResolvedConnection,
  type Source,
  type WrittenSegment,
} from '../connector.ts';
import { openCsvWriter } from '../csv-writer.ts';
import { atPointer, parseExact, pointerOf, toCell } from '../json-rows.ts';
import { fileIn, folderOf } from './root.ts';
import { stageError } from '../../domain/run-error.ts';

const MAX_FILES = 500;

const readHeader = async (path: string, options: CsvOptions | undefined): Promise<string[]> => {
  if (options && options.header.length > 0) return options.header;
  const parser = createReadStream(path).pipe(
    parse({ delimiter: options?.delimiter || ',', quote: options?.quote || '"', to: 1, bom: true }),
  );
  for await (const record of parser) return record as string[];
  return [];
};

/** The engine sees the run's folder only, so a csv file is copied there for the time of its conversion. */
const extractCsv = async (path: string, read: FileRead, extraction: Extraction): Promise<WrittenSegment[]> => {
  const header = await readHeader(path, read.csv);
  const wanted = extraction.columns.map((column) => sourceColumn(read.columns, column));
  const missing = wanted.filter((column) => !header.includes(column));
  if (missing.length > 0) throw stageError('COLUMN_MISSING', { object: `The file ${read.path}`, columns: missing.join(', ') });
  const copy = join(extraction.directory, `${extraction.prefix}raw`);
  const file = `${extraction.prefix}0.csv`;
  await copyFile(path, copy);
  try {
    const options = [
      'auto_detect = false',
      `header = ${(read.csv?.header.length ?? 0) === 0}`,
      `delim = ${quoteLiteral(read.csv?.delimiter || ',')}`,
      `quote = ${quoteLiteral(read.csv?.quote || '"')}`,
      `escape = ${quoteLiteral(read.csv?.quote || '"')}`,
      `nullstr = ''`,
      'allow_quoted_nulls = false',
      'strict_mode = true',
      `columns = {${header.map((name) => `${quoteLiteral(name)}: 'VARCHAR'`).join(', ')}}`,
    ];
    const query = `select ${wanted.map(quoteIdentifier).join(', ')} from read_csv(${quoteLiteral(copy)}, ${options.join(', ')})`;
    const { rowCount, sizeBytes } = await extraction.engine.copyOut(query, join(extraction.directory, file), 'csv');
    extraction.onRows(rowCount, sizeBytes);
    return [{ segment: 0, path: file, rowCount, sizeBytes }];
  } finally {
    await rm(copy, { force: true });
  }
};

const extractJsonl = async (path: string, read: FileRead, extraction: Extraction): Promise<WrittenSegment[]> => {
  const pointers = extraction.columns.map((column) => pointerOf(read.columns, column));
  const writer = openCsvWriter(extraction.directory, extraction.prefix, extraction.onRows);
  let line = 0;
  for await (const text of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
    line += 1;
    extraction.signal.throwIfAborted();
    if (text.trim() === '') continue;
    const row = parseLine(text, line, read.path);
    await writer.write(pointers.map((pointer) => toCell(atPointer(row, pointer))));
  }
  return writer.end();
};

const parseLine = (text: string, line: number, path: string): unknown => {
  try {
    return parseExact(text);
  } catch {
    // The parser's own error quotes the line.
    throw stageError('LINE_UNREADABLE', { line, file: path });
  }
};

const describe = async (connection: ResolvedConnection, limits: ConnectorLimits): Promise<Description> => {
  const folder = await folderOf(connection, limits);
  const names = (await readdir(folder, { recursive: true, withFileTypes: true })).filter(
    (entry) => entry.isFile() && /\.(?:csv|jsonl)$/.test(entry.name),
  );
  const tables = [];
  for (const entry of names.slice(0, MAX_FILES)) {
    const path = join(entry.parentPath, entry.name);
    const header = entry.name.endsWith('.csv') && (await stat(path)).size > 0 ? await readHeader(path, undefined) : [];
    tables.push({
      schema: '',
      name: relative(folder, path),
      columns: header.map((name) => ({ name, sourceType: 'text', nullable: true })),
      estimatedRowCount: -1n,
    });
  }
  return { serverVersion: '', tables, truncated: names.length > MAX_FILES };
};

/** The reading side of a file connection. */
export const fileSource = (connection: ResolvedConnection, limits: ConnectorLimits): Source => ({
  describe: () => describe(connection, limits),
  extract: async (extraction) => {
    const { read } = extraction;
    if (read.$case !== 'fileRead') throw stageError('READ_MISMATCH', { type: 'file', read: kindOfRead(read) });
    const path = await fileIn(await folderOf(connection, limits), read.value.path);
    return read.value.format === FileFormat.JSONL ? extractJsonl(path, read.value, extraction) : extractCsv(path, read.value, extraction);
  },
});
