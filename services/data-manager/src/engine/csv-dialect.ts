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

export const PARQUET_COPY_OPTIONS = 'FORMAT parquet, COMPRESSION zstd';

export const copyInStatement = (name: string, paths: readonly string[], columns: readonly CsvColumn[]): string =>
  `CREATE OR REPLACE TABLE ${quoteIdentifier(name)} AS FROM ${readCsvExpression(paths, columns)}`;

export const copyOutStatement = (query: string, path: string, format: 'csv' | 'parquet'): string =>
  `COPY (\n${query}\n) TO ${quoteLiteral(path)} (${format === 'csv' ? CSV_COPY_OPTIONS : PARQUET_COPY_OPTIONS})`;
