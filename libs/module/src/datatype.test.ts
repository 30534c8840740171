import { BaseType, DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compareValues, isOrdered, isValue, valuesBetween } from './datatype.ts';

const type = (base: BaseType, precision = 0, scale = 0): DataType => DataType.fromPartial({ base, precision, scale });

const DATES = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .map((date) => date.toISOString());

const accepted: [base: BaseType, values: string[], refused: string[]][] = [
  [BaseType.BOOLEAN, ['true', 'false'], ['yes', '1', 'TRUE', '']],
  [BaseType.INTEGER, ['0', '-9223372036854775808', '+9223372036854775807'], ['9223372036854775808', '1.0', '1e3', '', ' 1']],
  [BaseType.DOUBLE, ['1', '-1.5', '.5', '1e-9', '1E308', 'NaN', '-Infinity', 'inf'], ['1e999', '1,5', 'infinite', '']],
  [
    BaseType.DATE,
    ['2024-02-29', '0001-01-01', '2000-02-29', '12024-02-29', '-infinity'],
    ['2023-02-29', '1900-02-29', '2024-04-31', '2024-13-01', '1234567-01-01', '24-01-01', '2024-01-01T00:00'],
  ],
  [BaseType.TIME, ['00:00', '23:59:59.999999', '24:00:00'], ['24:01', '24:00:01', '1:00', '10:00:00.1234567']],
  [BaseType.DATETIME, ['2024-02-29T10:00', '2024-02-29 10:00:00.5'], ['2024-02-30T10:00', '2024-02-29', '2024-02-29T10:00Z']],
  [
    BaseType.DATETIMESTAMP,
    ['2024-02-29T10:00:00Z', '2024-02-29 10:00+05:30', '2024-02-29 10:00:00.000001+00', '12024-01-01 10:00:00-03:30:15', 'infinity'],
    ['2024-02-29T10:00', '2024-02-29T10:00+99:00'],
  ],
  [BaseType.UUID, ['0192f0c0-0000-7000-8000-000000000001'], ['0192f0c0000070008000000000000001', 'x']],
  [BaseType.JSON, ['{"a":[1]}', 'null'], ['{a:1}', '']],
  [BaseType.BINARY, ['', '00ff', 'ABCD'], ['0', 'zz']],
  [BaseType.STRING, ['', ' anything '], []],
];
test.each(accepted)('base type %i takes its own form and no other', (base, values, refused) => {
  expect(values.filter((value) => !isValue(value, type(base)))).toEqual([]);
  expect(refused.filter((value) => isValue(value, type(base)))).toEqual([]);
});

test('a decimal keeps within its digits', () => {
  expect(isValue('123.45', type(BaseType.DECIMAL, 5, 2))).toBe(true);
  expect(isValue('0123.450', type(BaseType.DECIMAL, 5, 2))).toBe(true);
  expect(isValue('1234.5', type(BaseType.DECIMAL, 5, 2))).toBe(false);
  expect(isValue('1.234', type(BaseType.DECIMAL, 5, 2))).toBe(false);
});

const equal: [base: BaseType, left: string, right: string][] = [
  [BaseType.TIME, '10:00', '10:00:00.000'],
  [BaseType.DATETIME, '2024-01-01 10:00', '2024-01-01T10:00:00'],
  [BaseType.DATETIMESTAMP, '2024-01-01T10:00:00Z', '2024-01-01T12:30:00+02:30'],
  [BaseType.DATETIMESTAMP, '2024-01-01 10:00:00+00', '2024-01-01T10:00:00Z'],
  [BaseType.DATETIMESTAMP, '2023-12-31 24:00:00-05', '2024-01-01T05:00:00Z'],
  [BaseType.DATE, 'infinity', 'infinity'],
  [BaseType.DOUBLE, 'NaN', 'nan'],
  [BaseType.DOUBLE, '-inf', '-Infinity'],
  [BaseType.DECIMAL, '1.50', '+1.5'],
  [BaseType.DOUBLE, '1e1', '10.0'],
];
test.each(equal)('values of base type %i that are written in two ways are equal', (base, left, right) => {
  expect(compareValues(left, right, type(base, 38, 4))).toBe(0);
});

test('instants differ down to the microsecond', () => {
  const stamp = type(BaseType.DATETIMESTAMP);
  expect(compareValues('2024-01-01T10:00:00.000001Z', '2024-01-01T10:00:00.000002Z', stamp)).toBeLessThan(0);
});

const ascending: [base: BaseType, values: string[]][] = [
  [BaseType.DOUBLE, ['-Infinity', '-1e308', '0', '1e308', 'inf', 'NaN']],
  [BaseType.DATE, ['-infinity', '0001-01-01', '1969-12-31', '1970-01-01', '9999-12-31', '10000-01-01', '275761-01-01', 'infinity']],
  [BaseType.DATETIME, ['-infinity', '0001-01-01 00:00', '9999-12-31T23:59:59.999999', '10000-01-01T00:00', 'infinity']],
];
test.each(ascending)('the values at the ends of base type %i have their order', (base, values) => {
  expect(values.toReversed().toSorted((left, right) => compareValues(left, right, type(base)))).toEqual(values);
});

test('days are counted as the calendar of the language counts them', () => {
  fc.assert(
    fc.property(DATES, DATES, (from, to) => {
      const days = (Date.parse(to.slice(0, 10)) - Date.parse(from.slice(0, 10))) / 86_400_000;
      expect(valuesBetween(from.slice(0, 10), to.slice(0, 10), type(BaseType.DATE))).toBe(BigInt(days) - 1n);
    }),
  );
});

test('integers beyond the doubles compare exactly', () => {
  expect(compareValues('9223372036854775806', '9223372036854775807', type(BaseType.INTEGER))).toBeLessThan(0);
});

test('what lies between two integers or two dates is counted', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), fc.bigInt({ min: -1000n, max: 1000n }), (from, step) => {
      expect(valuesBetween(String(from), String(from + step), type(BaseType.INTEGER))).toBe(step - 1n);
    }),
  );
  expect(valuesBetween('2024-02-28', '2024-03-01', type(BaseType.DATE))).toBe(1n);
});

const ORDERED: [BaseType, fc.Arbitrary<string>][] = [
  [BaseType.INTEGER, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String)],
  [BaseType.DECIMAL, fc.tuple(fc.integer(), fc.nat(9999)).map(([whole, part]) => `${whole}.${String(part).padStart(4, '0')}`)],
  [BaseType.DOUBLE, fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }).map(String)],
  [BaseType.DATE, DATES.map((date) => date.slice(0, 10))],
  [BaseType.TIME, DATES.map((date) => date.slice(11, 23))],
  [BaseType.DATETIME, DATES.map((date) => date.slice(0, 23))],
  [BaseType.DATETIMESTAMP, DATES],
];
test.each(ORDERED)('values of base type %i have one total order', (base, values) => {
  const of = type(base, 38, 10);
  expect(isOrdered(of)).toBe(true);
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      expect([a, b, c].every((value) => isValue(value, of))).toBe(true);
      expect(Math.sign(compareValues(a, b, of)) + Math.sign(compareValues(b, a, of))).toBe(0);
      expect(compareValues(a, a, of)).toBe(0);
      const [least = '', middle = '', most = ''] = [a, b, c].toSorted((left, right) => compareValues(left, right, of));
      expect(compareValues(least, middle, of)).toBeLessThanOrEqual(0);
      expect(compareValues(middle, most, of)).toBeLessThanOrEqual(0);
      expect(compareValues(least, most, of)).toBeLessThanOrEqual(0);
    }),
  );
});
