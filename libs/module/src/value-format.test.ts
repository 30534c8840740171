import { BaseType, DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { readFormat } from './value-format.ts';

const { DATE, TIME, DATETIME, DATETIMESTAMP, DECIMAL, INTEGER, DOUBLE, BOOLEAN, STRING } = BaseType;

const cases: [base: BaseType, known: string[], refused: string[]][] = [
  [
    DATE,
    ['yyyy-MM-dd', 'd.M.yyyy', 'yyyyMMdd', 'yyyy-MM-dd HH:mm:ss'],
    ['', 'yy-MM-dd', 'yyyy-MM', 'dd MMM yyyy', 'yyyy-MM-ddXXX', 'yyyy-MM-dd ss'],
  ],
  [TIME, ['HH:mm', 'HHmmss', 'HH:mm:ss.SSS'], ['HH', 'mm:ss', 'yyyy-MM-dd HH:mm', 'HH:mm.S']],
  [DATETIME, ['yyyy-MM-ddTHH:mm:ss', 'dd/MM/yyyy HH:mm'], ['yyyy-MM-dd', 'yyyy-MM-ddTHH:mmX']],
  [DATETIMESTAMP, ['yyyy-MM-ddTHH:mm:ssXXX'], ['yyyy-MM-ddTHH:mm:ss']],
  [DECIMAL, ['#,##0.00', '0.##', '000'], ['#,##,##0', '0%', 'abc', '0E0']],
  [INTEGER, ['#,##0', '#0'], ['0,00']],
  [DOUBLE, ['0.0E0'], ['0.0F']],
  [BOOLEAN, ['J|N', '1|0'], ['J', 'J|J', 'a|b|c', '|N']],
  [STRING, [], ['x']],
];

const read = (base: BaseType, pattern: string, decimalChar = '', groupChar = '') =>
  readFormat(DataType.fromPartial({ base, format: { pattern, decimalChar, groupChar } }));

test.each(cases)('type %i takes the formats that CSVW has for it, and refuses others', (base, known, refused) => {
  expect(known.filter((pattern) => read(base, pattern) === undefined)).toEqual([]);
  expect(refused.filter((pattern) => read(base, pattern) !== undefined)).toEqual([]);
});

test('the characters of a number differ and are no part of one', () => {
  expect(read(DECIMAL, '', ',', '.')).toMatchObject({ form: { decimal: ',', group: '.' } });
  expect(read(DECIMAL, '', '.', '.')).toBeUndefined();
  expect(read(DECIMAL, '', ',', '1')).toBeUndefined();
  expect(read(DATE, 'yyyy-MM-dd', ',')).toBeUndefined();
});

test('a pattern without groups has none, whatever character is declared for them', () => {
  expect(read(DECIMAL, '0.00', ',', '.')).toBeUndefined();
});
