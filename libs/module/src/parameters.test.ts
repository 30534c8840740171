import { Parameter, Parameter_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { expect, test } from 'vitest';
import { fillParameters, isOfType } from './parameters.ts';

const declared = [
  { name: 'year', type: Type.INTEGER, required: true },
  { name: 'country', type: Type.STRING, defaultValue: 'NL' },
].map((parameter) => Parameter.fromPartial(parameter));

const cases: [name: string, given: Record<string, string>, filled: unknown][] = [
  ['are the given values over the defaults', { year: '1994' }, { values: { year: '1994', country: 'NL' } }],
  ['keep a given empty text', { year: '1994', country: '' }, { values: { year: '1994', country: '' } }],
  ['are refused by name when a required one is missing', {}, { invalid: ['year'] }],
  ['are refused by name when one is unknown', { year: '1994', month: '1' }, { invalid: ['month'] }],
  ['are refused by name when one is of another type', { year: 'last' }, { invalid: ['year'] }],
];

test.each(cases)('parameters %s', (_, given, filled) => {
  expect(fillParameters(declared, given)).toEqual(filled);
});

const values: Record<Exclude<Type, 0>, { taken: string[]; refused: string[] }> = {
  [Type.STRING]: { taken: ['', ' a\n'], refused: ['x'.repeat(10_001)] },
  [Type.INTEGER]: {
    taken: ['0', '-1', '9223372036854775807', '-9223372036854775808'],
    refused: ['', '1.0', '9223372036854775808', '-9223372036854775809', '1e3', ' 1'],
  },
  [Type.DECIMAL]: { taken: ['0.5', '-12'], refused: ['.5', '1e3', '1,5', ''] },
  [Type.BOOLEAN]: { taken: ['true', 'false'], refused: ['TRUE', '1', ''] },
  [Type.DATE]: {
    taken: ['2024-02-29', '0001-01-01', '9999-12-31'],
    refused: ['2023-02-29', '2024-02-31', '2024-13-01', '0000-01-01', '2024-1-1'],
  },
};

test.each(Object.entries(values))('of type %s the bounds are taken, and what lies beyond is not', (type, { taken, refused }) => {
  const of = Object.values(Type).find((candidate) => candidate === Number(type)) ?? Type.UNSPECIFIED;
  expect(taken.filter((value) => !isOfType(of, value))).toEqual([]);
  expect(refused.filter((value) => isOfType(of, value))).toEqual([]);
});
