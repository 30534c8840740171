import { quoteIdentifier, quoteList, quoteLiteral } from '../plan/identifiers.ts';
import { ENGINE_LIMITS } from './limits.ts';

/** A value in the suite's csv form: NULL is empty, every text is quoted. */
const csvField = (value: string | null): string => (value === null ? '' : `"${value.replaceAll('"', '""')}"`);

/** A row in the same form, as one line. */
export const csvLine = (values: readonly (string | null)[]): string => `${values.map(csvField).join(',')}\n`;

/** A column of a csv file and the DuckDB type it is read as. */
export type CsvColumn = { name: string; type: string };

/**
 * A `read_csv` over header-less files in the suite's csv form: an unquoted empty field is NULL, `""` is the empty text, quote and
 * escape are `"`, lines end with LF. Nothing is guessed, so that every text comes back as it was written.
 */
export const readCsvExpression = (
  paths: readonly string[],
  columns: readonly CsvColumn[],
  lineBytes: number = ENGINE_LIMITS.csvLineBytes,
): string => {
  const types = columns.map((column) => `${quoteLiteral(column.name)}: ${quoteLiteral(column.type)}`).join(', ');
  const options = [
    'auto_detect = false',
    'header = false',
    "delim = ','",
    `quote = '"'`,
    `escape = '"'`,
    "nullstr = ''",
    'allow_quoted_nulls = false',
    "new_line = '\\n'",
    'strict_mode = true',
    `max_line_size = ${lineBytes}`,
    // By default a buffer holds sixteen lines of the longest size, which leaves one thread to read a segment.
    `buffer_size = ${lineBytes > ENGINE_LIMITS.csvLineBytes ? lineBytes + 4096 : 2 * lineBytes}`,
    `columns = {${types}}`,
  ];
  return `read_csv(${quoteList(paths)}, ${options.join(', ')})`;
};

/** The options of a `COPY … TO` that writes the same form. */
export const CSV_COPY_OPTIONS = `FORMAT csv, HEADER false, DELIMITER ',', QUOTE '"', ESCAPE '"', NULLSTR ''`;

export const copyInStatement = (name: string, paths: readonly string[], columns: readonly CsvColumn[]): string =>
  `CREATE OR REPLACE TABLE ${quoteIdentifier(name)} AS FROM ${readCsvExpression(paths, columns)}`;

/** The files that the engine writes. `rawParquet` is read once and then removed. */
export type CopyFormat = 'csv' | 'parquet' | 'rawParquet';

const MIB = 1_048_576;
// A row group is kept in memory as a whole, and each column has a dictionary of its own from the start: the engine's defaults make gigabytes of a thousand columns.
const GROUP = { defaultRows: 122_880, leastRows: 2_048, cellsAMegabyte: 4_096 };
const DICTIONARY = { defaultBytes: MIB, leastBytes: 4_096, share: 1 / 8 };

const parquetOptions = (codec: 'zstd' | 'snappy', columnCount: number, memoryMb: number): string => {
  const rows = Math.floor((memoryMb * GROUP.cellsAMegabyte) / Math.max(1, columnCount));
  const bytes = Math.floor((memoryMb * MIB * DICTIONARY.share) / Math.max(1, columnCount));
  const groupRows = Math.min(GROUP.defaultRows, Math.max(GROUP.leastRows, rows));
  const dictionaryBytes = Math.min(DICTIONARY.defaultBytes, Math.max(DICTIONARY.leastBytes, bytes));
  return `FORMAT parquet, COMPRESSION ${codec}, ROW_GROUP_SIZE ${groupRows}, STRING_DICTIONARY_PAGE_SIZE_LIMIT ${dictionaryBytes}`;
};

/** What is written where. The number of columns and the engine's memory decide how much of it is in memory at once. */
export type CopyOut = { query: string; path: string; format: CopyFormat; columnCount: number; memoryMb: number };

export const copyOutStatement = ({ query, path, format, columnCount, memoryMb }: CopyOut): string => {
  const codec = format === 'rawParquet' ? 'snappy' : 'zstd';
  const options = format === 'csv' ? CSV_COPY_OPTIONS : parquetOptions(codec, columnCount, memoryMb);
  return `COPY (\n${query}\n) TO ${quoteLiteral(path)} (${options})`;
};
