// What a read without code says: each option is one that its format and its paging carry out.
import { FileFormat, type CsvOptions, type FileRead, type HttpRead, type Paging } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { ProtocolEntry } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Report } from './violation.ts';

/** A read without code, by its kind. */
export type CheckedRead = Exclude<NonNullable<ProtocolEntry['collect']>, { $case: 'script' }>;

const isEncoding = (label: string): boolean => {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
};

const checkCsv = (csv: CsvOptions, pointer: string, report: Report): void => {
  const quote = csv.noQuote ? '' : csv.quote || '"';
  const characters = { delimiter: csv.delimiter || ',', quoteChar: quote, escapeChar: csv.escapeChar === quote ? '' : csv.escapeChar };
  const given = Object.entries(characters).filter(([, character]) => character !== '');
  for (const [word, character] of given) {
    if (character.length > 1 || /[\r\n\0]/.test(character))
      report(`${pointer}/${word}`, 'CHARACTER_UNUSABLE', `\`${word}\` must be one character within the first 65,536, and no line end`);
  }
  if (new Set(given.map(([, character]) => character)).size < given.length)
    report(pointer, 'CHARACTER_TWICE', 'the delimiter, the quote and the escape character must differ');
  if (csv.noQuote && csv.doubleQuote !== undefined)
    report(`${pointer}/doubleQuote`, 'OPTION_UNUSED', '`doubleQuote` says nothing where no character quotes');
  if (csv.noQuote && csv.quote !== '') report(`${pointer}/quote`, 'OPTION_UNUSED', '`quote` and `noQuote` contradict each other');
  if (new Set(csv.header).size < csv.header.length) report(`${pointer}/header`, 'NAME_TWICE', 'a name stands twice in `header`');
};

/** Whether a path leads out of the folder that it is relative to, or is not relative. */
const leadsOut = (path: string): boolean => {
  let depth = 0;
  for (const part of path.split(/[/\\]/)) {
    if (part === '..') depth -= 1;
    else if (part !== '' && part !== '.') depth += 1;
    if (depth < 0) return true;
  }
  return path.startsWith('/');
};

const checkFile = ({ path, csv, format, encoding }: FileRead, pointer: string, report: Report): void => {
  if (encoding !== '' && !isEncoding(encoding))
    report(`${pointer}/encoding`, 'ENCODING_UNKNOWN', 'the encoding is no label of the WHATWG Encoding Standard');
  if (leadsOut(path)) report(`${pointer}/path`, 'PATH_OUTSIDE', "the path leads out of the connection's folder");
  if (!csv) return;
  if (format === FileFormat.CSV) checkCsv(csv, `${pointer}/csv`, report);
  else report(`${pointer}/csv`, 'OPTION_UNUSED', '`csv` says nothing of a file of another format');
};

/** The pointers of a paging, by their words. */
const pagingPointers = (kind: Paging['kind']): Record<string, string> => {
  switch (kind?.$case) {
    case 'pageNumber':
      return { pageCountPointer: kind.value.pageCountPointer };
    case 'offset':
      return { totalPointer: kind.value.totalPointer };
    case 'token':
      return { tokenPointer: kind.value.tokenPointer };
    case 'nextUrl':
      return { pointer: kind.value.pointer };
    case undefined:
      return {};
  }
};

const checkHttp = ({ rowsPointer, paging }: HttpRead, pointer: string, report: Report): void => {
  const kind = paging?.kind;
  const places: [place: string, value: string][] = [
    ['rowsPointer', rowsPointer],
    ...Object.entries(pagingPointers(kind)).map(([word, value]): [string, string] => [`paging/${kind?.$case ?? ''}/${word}`, value]),
  ];
  for (const [place, value] of places)
    if (value !== '' && !value.startsWith('/')) report(`${pointer}/${place}`, 'POINTER_MALFORMED', 'a JSON pointer begins with `/`');
};

/** Checks a read without code. */
export const checkRead = (read: CheckedRead, pointer: string, report: Report): void => {
  if (read.$case === 'fileRead') checkFile(read.value, pointer, report);
  if (read.$case === 'httpRead') checkHttp(read.value, pointer, report);
};
