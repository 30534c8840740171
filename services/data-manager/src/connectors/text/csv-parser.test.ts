import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CsvParser, type CsvDialect, type CsvRecord } from './csv-parser.ts';
import { DEFAULT_DIALECT } from './csv-options.ts';

const LIMIT = 1_000_000;

/** Parses a text in chunks of a size. */
const parse = (text: string, dialect: Partial<CsvDialect> = {}, size = text.length || 1): CsvRecord[] => {
  const parser = new CsvParser({ ...DEFAULT_DIALECT, ...dialect }, LIMIT);
  const records: CsvRecord[] = [];
  for (let at = 0; at < text.length && !parser.problem; at += size) records.push(...parser.feed(text.slice(at, at + size), false));
  if (!parser.problem) records.push(...parser.feed('', true));
  if (parser.problem) throw parser.problem;
  return records;
};

const fieldsOf = (text: string, dialect: Partial<CsvDialect> = {}): (string | null)[][] => parse(text, dialect).map(({ fields }) => fields);

const cell = fc.option(
  fc.string({ unit: fc.constantFrom('a', 'ß', '𝄞', ' ', '\t', ',', ';', '"', "'", '\\', '\r', '\n', '#', '\u2028'), maxLength: 6 }),
);

const dialect: fc.Arbitrary<CsvDialect> = fc.record({
  delimiter: fc.constantFrom(',', ';', '\t', '|'),
  quote: fc.constantFrom('"', "'"),
  doubleQuote: fc.boolean(),
  escape: fc.constantFrom('\\', '^'),
  comment: fc.constantFrom('', '#', '//'),
  skipRows: fc.constantFrom(0, 2),
  skipInitialSpace: fc.boolean(),
  trim: fc.constant('none' as const),
  ends: fc.constantFrom(DEFAULT_DIALECT.ends, { crlf: true, lf: false, cr: false }, { crlf: false, lf: true, cr: false }),
});

/** Writes a record as the dialect has it: every text is quoted. */
const write = (record: readonly (string | null)[], { delimiter, quote = '', doubleQuote, escape = '' }: CsvDialect): string =>
  record
    .map((value) => {
      if (value === null) return '';
      const inner = value.replaceAll(escape, escape + escape).replaceAll(quote, doubleQuote ? quote + quote : escape + quote);
      return quote + inner + quote;
    })
    .join(delimiter);

describe('the csv parser', () => {
  it('gives back every cell that was written, in every dialect and in chunks of every size', () => {
    fc.assert(
      fc.property(
        dialect,
        fc.array(fc.array(cell, { minLength: 2, maxLength: 4 }), { maxLength: 5 }),
        fc.integer({ min: 1, max: 9 }),
        (form, rows, size) => {
          const end = form.ends.crlf ? '\r\n' : '\n';
          const text = [...Array.from({ length: form.skipRows }, () => 'a "line" that, is skipped'), ...rows.map((row) => write(row, form))]
            .map((line) => `${line}${end}`)
            .join('');
          expect(parse(text, form, size).map(({ fields }) => fields)).toEqual(rows);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it('takes plain text as it is where no character quotes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.array(fc.string({ unit: fc.constantFrom('a', '"', ' ', "'"), minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
          { maxLength: 4 },
        ),
        (rows) => {
          const text = rows.map((row) => `${row.join('\t')}\n`).join('');
          expect(fieldsOf(text, { delimiter: '\t', quote: undefined })).toEqual(rows);
        },
      ),
    );
  });

  const cases: [name: string, text: string, dialect: Partial<CsvDialect>, expected: (string | null)[][]][] = [
    [
      'ends lines with LF, CR LF and CR, mixed',
      'a,b\nc,d\r\ne,f\rg,h',
      {},
      [
        ['a', 'b'],
        ['c', 'd'],
        ['e', 'f'],
        ['g', 'h'],
      ],
    ],
    ['ends no line with another separator of Unicode', 'a,b\u2028c\u0085\n', {}, [['a', 'b\u2028c\u0085']]],
    ['ends lines with the declared terminators alone', 'a\rb,c\r\n', { ends: { crlf: true, lf: false, cr: false } }, [['a\rb', 'c']]],
    ['tells NULL from the empty text', 'a,,""\n', {}, [['a', null, '']]],
    ['keeps a quote in the middle of a field', 'pipe 5" wide,x\n', {}, [['pipe 5" wide', 'x']]],
    ['takes a quote after blanks, and blanks after a quote', 'a, "b,c" ,d\n', {}, [['a', 'b,c', 'd']]],
    ['keeps blanks of plain fields', 'a, b ,c\n', {}, [['a', ' b ', 'c']]],
    ['cuts initial blanks where declared', 'a, b ,c\n', { skipInitialSpace: true }, [['a', 'b ', 'c']]],
    ['cuts blanks at both ends where declared', ' a ,\t" b ",c\n', { trim: 'both' }, [['a', 'b', 'c']]],
    ['cuts blanks at the start where declared', ' a , b\n', { trim: 'start' }, [['a ', 'b']]],
    ['cuts blanks at the end where declared', ' a , b \n', { trim: 'end' }, [[' a', ' b']]],
    ['takes what follows the escape character as it is', 'a\\,b,"c\\"d\\n"\n', { escape: '\\' }, [['a,b', 'c"dn']]],
    ['passes comments where declared', '# a\nb,c\n#d\n', { comment: '#' }, [['b', 'c']]],
    ['skips lines, whatever they hold', 'a "b\n\nc,d\n', { skipRows: 2 }, [['c', 'd']]],
    ['reads a last line without an end', 'a,', {}, [['a', null]]],
  ];

  it.each(cases)('%s', (_, text, form, expected) => {
    for (let size = 1; size <= text.length; size += 1) expect(parse(text, form, size).map(({ fields }) => fields)).toEqual(expected);
  });

  it('counts the lines that a person sees, those within quotes too', () => {
    expect(parse('a\r\n"b\r\nc\nd"\r\ne\rf').map(({ line }) => line)).toEqual([1, 2, 5, 6]);
  });

  const refused: [name: string, text: string, problem: string, line: number, column: number][] = [
    ['a quote that is never closed', 'a,b\nc,"d\ne,f\n', 'quote-open', 2, 1],
    ['text after a closing quote', 'a\n"b" c\n', 'quote-text', 2, 0],
    ['a record that is too long', `a\n"${'x'.repeat(LIMIT + 1)}",b\n`, 'long', 2, 0],
  ];

  it.each(refused)('refuses %s by line and place', (_, text, problem, line, column) => {
    for (const size of [1000, text.length]) expect(() => parse(text, {}, size)).toThrow(expect.objectContaining({ problem, line, column }));
  });
});
