// The fields of a csv dialect, named as in CSVW.
import { CsvTrim, type CsvOptions } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { flag, integer, optionalFlag, optionalInteger, rowOf, text, texts, wordField, type Field, type Json, type Row } from './field.ts';
import { shape } from './shape.ts';
import { enumWords, type Words } from './words.ts';

const TRIMS = enumWords('CsvTrim', CsvTrim, 'lowerCamel');

const QUOTE_WORDS = ['quoteChar', 'quote'] as const;
const quoteOf = (from: Json): unknown => QUOTE_WORDS.map((word) => from[word]).find((value) => value !== undefined);

const quoteRow = (word: (typeof QUOTE_WORDS)[number], meaning: string, more: Partial<Row>): Row =>
  rowOf(
    word,
    { meaning, example: "'", fallback: '`"`', ...(word === 'quoteChar' ? { iri: 'csvw:quoteChar' } : {}) },
    { kind: 'text or `null`', schema: { type: ['string', 'null'], minLength: 1, maxLength: 1 }, ...more },
    // As a JSON literal, null is kept.
    { '@type': '@json' },
  );

const quote: Field<string> = {
  rows: [
    quoteRow('quoteChar', 'The character around fields; null where no character quotes.', {}),
    quoteRow('quote', 'An earlier word for `quoteChar`.', { alias: 'quoteChar' }),
  ],
  above: [],
  choices: [],
  mark: 'quoteChar',
  isPresent: (from) => quoteOf(from) !== undefined,
  read: (from) => {
    const given = quoteOf(from);
    return typeof given === 'string' ? given : '';
  },
  write: (value, into) => {
    if (value !== '') into['quoteChar'] = value;
  },
};

const noQuote: Field<boolean> = {
  ...quote,
  rows: [],
  read: (from) => quoteOf(from) === null,
  write: (value, into) => {
    if (value) into['quoteChar'] = null;
  },
};

/** A field that is also read by another word, which is never written. */
const withAlias = <V>(field: Field<V>, alias: string): Field<V> => {
  const word = field.mark;
  const own = field.rows[0] as Row;
  return {
    ...field,
    rows: [own, { ...own, word: alias, meaning: `Another word for \`${word}\`.`, term: { '@id': `lethe:${alias}` }, alias: word }],
    isPresent: (from) => from[word] !== undefined || from[alias] !== undefined,
    read: (from, above) => field.read(from[word] === undefined ? { [word]: from[alias] } : from, above),
  };
};

const names = texts('header', {
  meaning: 'The names of the columns, for files without a header line; or, as in CSVW, whether there is a header line.',
  example: ['id', 'age'],
  ordered: true,
});

const header: Field<string[]> = {
  ...names,
  rows: names.rows.map((row) => ({
    ...row,
    kind: 'list of texts, or true or false',
    schema: { ...row.schema, type: ['array', 'boolean'] },
  })),
};

const rowCount = optionalInteger('headerRowCount', {
  meaning: 'Rows of the header; columns of a file without names are `_col.1`, `_col.2`, ….',
  iri: 'csvw:headerRowCount',
  max: 100,
  example: 2,
  fallback: '1; 0 where `header` names the columns',
});

const headerRowCount: Field<number | undefined> = {
  ...rowCount,
  read: (from, above) => rowCount.read(from, above) ?? (typeof from['header'] === 'boolean' ? Number(from['header']) : undefined),
};

const toTrim = (value: unknown): CsvTrim => (value === true ? CsvTrim.TRUE : TRIMS.toValue(typeof value === 'string' ? value : ''));

const trim = wordField<CsvTrim>(
  rowOf(
    'trim',
    { meaning: 'Which blanks around a field are cut; true for both ends.', fallback: 'none' },
    // A row is of any enum, so its words are kept as those of numbers.
    { kind: 'word', schema: { enum: [...TRIMS.spellings, true, false, 'false'] }, values: TRIMS as unknown as Words<number> },
  ),
  false,
  toTrim,
  TRIMS.toWord,
);

const LINE_END = String.raw`^(?:\r\n|\n|\r)$`;
const terminators = texts('lineTerminators', {
  meaning: 'What ends a line, of CR LF, LF and CR.',
  iri: 'csvw:lineTerminators',
  example: ['\r\n'],
  fallback: 'any of them',
  ordered: true,
});
const lineTerminators: Field<string[]> = {
  ...terminators,
  rows: terminators.rows.map((row) => ({ ...row, schema: { type: 'array', items: { type: 'string', pattern: LINE_END } } })),
};

/** How a csv file is written. */
export const csvOptions = shape<CsvOptions>({
  delimiter: text('delimiter', {
    meaning: 'One character between fields.',
    iri: 'csvw:delimiter',
    example: ';',
    fallback: '`,`',
    maxLength: 1,
  }),
  quote,
  noQuote,
  header,
  doubleQuote: optionalFlag('doubleQuote', {
    meaning: 'Within quotes, two quote characters stand for one. Where false and no other character escapes, the backslash does.',
    iri: 'csvw:doubleQuote',
    fallback: '`true`',
  }),
  escapeChar: withAlias(
    text('escapeChar', {
      meaning: 'One character after which the next one stands for itself.',
      example: '\\',
      fallback: 'none',
      maxLength: 1,
    }),
    'escape',
  ),
  commentPrefix: text('commentPrefix', {
    meaning: 'Lines that begin with it are no rows.',
    iri: 'csvw:commentPrefix',
    example: '#',
    fallback: 'none',
    maxLength: 16,
  }),
  skipRows: integer('skipRows', {
    meaning: 'Lines before the header that are not read.',
    iri: 'csvw:skipRows',
    max: 1_000_000,
    example: 2,
    fallback: '0',
  }),
  headerRowCount,
  skipInitialSpace: flag('skipInitialSpace', {
    meaning: 'Blanks after a delimiter are no part of the field.',
    iri: 'csvw:skipInitialSpace',
  }),
  trim,
  lineTerminators,
});
