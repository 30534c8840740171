import { FileFormat, FileRead, HttpRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { expect, test } from 'vitest';
import { checkRead } from './check-read.ts';
import { collector } from './violation.ts';

type File = Parameters<typeof FileRead.fromPartial>[0];
type Http = Parameters<typeof HttpRead.fromPartial>[0];

const file = (read: File): string[] => {
  const { report, violations } = collector();
  checkRead({ $case: 'fileRead', value: FileRead.fromPartial({ path: 'x', format: FileFormat.CSV, ...read }) }, '', report);
  return violations.map(({ pointer, rule }) => `${pointer} ${rule}`);
};

const http = (read: Http): string[] => {
  const { report, violations } = collector();
  checkRead({ $case: 'httpRead', value: HttpRead.fromPartial({ path: 'x', ...read }) }, '', report);
  return violations.map(({ pointer, rule }) => `${pointer} ${rule}`);
};

const taken: [name: string, read: File][] = [
  [
    'a dialect with every option',
    { csv: { delimiter: ';', quote: "'", doubleQuote: false, escapeChar: '\\', header: ['a', 'b'], headerRowCount: 1 } },
  ],
  ['an escape character that is the quote', { csv: { escapeChar: '"' } }],
  ['a path that stays below its folder', { path: 'a/../..b.csv' }],
  ['no quote character', { csv: { noQuote: true, escapeChar: '\\' } }],
  ['an encoding of the standard', { encoding: 'Latin1', format: FileFormat.JSONL }],
];

test.each(taken)('a file is read by %s', (_, read) => {
  expect(file(read)).toEqual([]);
});

const refused: [name: string, read: File, violation: string][] = [
  ['the dialect of a csv file for another format', { csv: {}, format: FileFormat.JSON }, '/csv OPTION_UNUSED'],
  ['a path that leads out', { path: 'a/../../b.csv' }, '/path PATH_OUTSIDE'],
  ['a path from the root', { path: '/b.csv' }, '/path PATH_OUTSIDE'],
  ['an unknown encoding', { encoding: 'ebcdic' }, '/encoding ENCODING_UNKNOWN'],
  ['a delimiter that is a line end', { csv: { delimiter: '\n' } }, '/csv/delimiter CHARACTER_UNUSABLE'],
  ['a delimiter of two units', { csv: { delimiter: '😀' } }, '/csv/delimiter CHARACTER_UNUSABLE'],
  ['a delimiter that is the quote', { csv: { delimiter: '"' } }, '/csv CHARACTER_TWICE'],
  ['a delimiter that is the escape character', { csv: { escapeChar: ',' } }, '/csv CHARACTER_TWICE'],
  ['doubled quotes without a quote', { csv: { noQuote: true, doubleQuote: true } }, '/csv/doubleQuote OPTION_UNUSED'],
  ['a name twice in the header', { csv: { header: ['a', 'a'] } }, '/csv/header NAME_TWICE'],
];

test.each(refused)('a file is not read by %s', (_, read, violation) => {
  expect(file(read)).toEqual([violation]);
});

test('the pointers of an http read begin with a slash', () => {
  expect(http({ rowsPointer: '/a', paging: { kind: { $case: 'token', value: { parameter: 'p', tokenPointer: '/b' } } } })).toEqual([]);
  expect(http({ rowsPointer: 'a', paging: { kind: { $case: 'nextUrl', value: { pointer: 'b' } } } })).toEqual([
    '/rowsPointer POINTER_MALFORMED',
    '/paging/nextUrl/pointer POINTER_MALFORMED',
  ]);
});
