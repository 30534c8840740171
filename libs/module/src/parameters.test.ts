import { Parameter, Parameter_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { expect, test } from 'vitest';
import { fillParameters } from './parameters.ts';

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
