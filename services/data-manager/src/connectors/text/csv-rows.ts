// Csv text → rows of the columns that are read: the header is read by the parser of the body.
import { CsvParser, type CsvProblem, type CsvRecord } from './csv-parser.ts';
import { TEXT_LIMITS } from './limits.ts';
import type { CsvHeader, TextColumn, TextFormat } from './protocol.ts';
import { TextRefusal } from './refusal.ts';
import type { Tally } from './tally.ts';

/** What makes rows of text. `line` is where it has come to. */
export type RowMaker = {
  feed: (text: string, isEnd: boolean) => (string | null)[][];
  readonly line: number;
};

const PROBLEMS = { 'quote-open': 'a quote is opened and never closed', 'quote-text': 'text stands after a closing quote' };

const isBlank = ({ fields }: CsvRecord): boolean => fields.length === 1 && fields[0] === null;

/** The places of columns that a header has: by any of its rows. */
const findColumns = (titles: readonly (readonly (string | null)[])[], columns: readonly TextColumn[], object: string): number[] => {
  const placesOf = (name: string): number[] => [
    ...new Set(titles.flatMap((row) => row.flatMap((title, place) => (title === name ? [place] : [])))),
  ];
  const found = columns.map(({ source }) => ({ source, places: placesOf(source) }));
  const missing = found.filter(({ places }) => places.length === 0);
  if (missing.length > 0) throw new TextRefusal('COLUMN_MISSING', { object, columns: missing.map(({ source }) => source).join(', ') });
  const twice = found.filter(({ places }) => places.length > 1);
  if (twice.length > 0) throw new TextRefusal('CSV_COLUMN_TWICE', { object, columns: twice.map(({ source }) => source).join(', ') });
  return found.map(({ places }) => places[0] ?? 0);
};

/** Reads a header from the first records. */
class Header {
  readonly #header: CsvHeader;
  readonly #titles: (string | null)[][] = [];

  constructor(header: CsvHeader) {
    this.#header = header;
  }

  /** Takes a record of the header; false for the first row of the body. */
  takes({ fields }: CsvRecord): boolean {
    if (this.#titles.length >= this.#header.rowCount) return false;
    this.#titles.push(fields);
    return true;
  }

  get isWhole(): boolean {
    return this.#titles.length >= this.#header.rowCount;
  }

  /** The titles row by row; a file without any has `_col.1`, `_col.2`, …. */
  titles(first: CsvRecord | undefined): (string | null)[][] {
    if (this.#header.names.length > 0) return [this.#header.names];
    if (this.#titles.length > 0) return this.#titles;
    return [(first?.fields ?? []).map((_, index) => `_col.${index + 1}`)];
  }
}

/** How many fields a record has, and which of them are read. */
type Layout = { width: number; places: number[] };

/** Makes rows of a csv text. `object` names it. */
export const csvRows = (
  format: Extract<TextFormat, { kind: 'csv' }>,
  columns: readonly TextColumn[],
  object: string,
  tally: Tally,
): RowMaker => {
  const parser = new CsvParser(format.dialect, TEXT_LIMITS.lineBytes);
  const header = new Header(format.header);
  let layout: Layout | undefined;
  const layOut = (first: CsvRecord | undefined): Layout => {
    const titles = header.titles(first);
    const width = Math.max(...titles.map((row) => row.length));
    return { width, places: findColumns(titles, columns, object) };
  };
  if (format.header.names.length > 0 && header.isWhole) layout = layOut(undefined);
  const rowOf = ({ fields, line }: CsvRecord, { width, places }: Layout): (string | null)[] | undefined => {
    if (fields.length !== width) {
      tally.width(fields.length, width, line);
      return undefined;
    }
    const cells = places.map((place) => fields[place] ?? null);
    const isKept = cells.every((cell, index) => tally.takes(cell, columns[index]?.source ?? '', `line ${line}`, line));
    return isKept ? cells : undefined;
  };
  const describeProblem = ({ problem, line, column }: CsvProblem): TextRefusal => {
    const known = columns.find((_, index) => layout?.places[index] === column)?.source;
    const place = known === undefined ? `field ${column + 1}` : `column ${known}`;
    if (problem === 'long')
      return new TextRefusal('TEXT_LINE_TOO_LONG', { object, place: `line ${line}, ${place}`, line, limit: TEXT_LIMITS.lineBytes });
    return new TextRefusal('CSV_QUOTE_INVALID', { object, line, place, problem: PROBLEMS[problem] });
  };
  return {
    get line() {
      return parser.line;
    },
    feed: (text, isEnd) => {
      const rows: (string | null)[][] = [];
      for (const record of parser.feed(text, isEnd)) {
        // An empty line is a row of a file with one column alone.
        if (isBlank(record) && layout?.width !== 1) continue;
        if (!layout && header.takes(record)) {
          if (header.isWhole) layout = layOut(undefined);
          continue;
        }
        layout ??= layOut(record);
        const row = rowOf(record, layout);
        if (row) rows.push(row);
      }
      if (parser.problem) throw describeProblem(parser.problem);
      if (isEnd && !layout && !header.isWhole) throw new TextRefusal('CSV_HEADER_MISSING', { object });
      return rows;
    },
  };
};

/** The first row of a csv text, with the usual dialect. */
export const csvHeader = (text: string, dialect: Extract<TextFormat, { kind: 'csv' }>['dialect']): string[] => {
  const [first] = new CsvParser(dialect, TEXT_LIMITS.lineBytes).feed(text, false);
  return (first?.fields ?? []).map((name) => name ?? '');
};
