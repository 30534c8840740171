// The options of a csv file in the document → the dialect that the parser works with.
import { CsvTrim, type CsvOptions } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { CsvDialect } from './csv-parser.ts';
import type { TextFormat } from './protocol.ts';

/** The dialect of RFC 4180, with any line ends. */
export const DEFAULT_DIALECT: CsvDialect = {
  delimiter: ',',
  quote: '"',
  doubleQuote: true,
  escape: undefined,
  comment: '',
  skipRows: 0,
  skipInitialSpace: false,
  trim: 'none',
  ends: { crlf: true, lf: true, cr: true },
};

const TRIMS: Record<CsvTrim, CsvDialect['trim']> = {
  [CsvTrim.UNSPECIFIED]: 'none',
  [CsvTrim.TRUE]: 'both',
  [CsvTrim.START]: 'start',
  [CsvTrim.END]: 'end',
};

const endsOf = ({ lineTerminators: ends }: CsvOptions): CsvDialect['ends'] =>
  ends.length === 0 ? DEFAULT_DIALECT.ends : { crlf: ends.includes('\r\n'), lf: ends.includes('\n'), cr: ends.includes('\r') };

const quotesOf = (options: CsvOptions): Pick<CsvDialect, 'quote' | 'doubleQuote' | 'escape'> => {
  const quote = options.noQuote ? undefined : options.quote || '"';
  // A quote that escapes itself is a doubled one.
  if (quote !== undefined && options.escapeChar === quote) return { quote, doubleQuote: true, escape: undefined };
  const escape = options.escapeChar || (options.doubleQuote === false ? '\\' : undefined);
  return { quote, doubleQuote: options.doubleQuote ?? true, escape };
};

const dialectOf = (options: CsvOptions): CsvDialect => ({
  delimiter: options.delimiter || ',',
  ...quotesOf(options),
  comment: options.commentPrefix,
  skipRows: options.skipRows,
  skipInitialSpace: options.skipInitialSpace,
  trim: TRIMS[options.trim],
  ends: endsOf(options),
});

/** How a csv file is to be read. */
export const csvFormat = (options: CsvOptions | undefined): TextFormat => {
  if (!options) return { kind: 'csv', dialect: DEFAULT_DIALECT, header: { rowCount: 1, names: [] } };
  const rowCount = options.headerRowCount ?? (options.header.length > 0 ? 0 : 1);
  return { kind: 'csv', dialect: dialectOf(options), header: { rowCount, names: options.header } };
};
