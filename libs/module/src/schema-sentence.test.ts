import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { schemaSentence } from './schema-sentence.ts';

const SCHEMA = { type: 'object', additionalProperties: false, properties: { mode: { enum: ['replace', 'versioned'] }, k: { minimum: 2 } } };
const validate = new Ajv2020({ strict: false }).compile(SCHEMA);

test.each([
  [{ mode: 'append' }, 'must be one of "replace", "versioned"'],
  [{ k: 1 }, 'must be >= 2'],
  [{ mood: 'x' }, 'must NOT have additional properties (mood)'],
])('%j is told what is asked for', (value, sentence) => {
  validate(value);
  expect((validate.errors ?? []).map(schemaSentence)).toEqual([sentence]);
});
