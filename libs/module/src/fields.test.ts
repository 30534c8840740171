import { registry } from '@lethe/contracts/registry';
import type { CastRule } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { CastPolicy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDocument, writeDocument } from './document.ts';
import { documentPage, exampleOf } from './document-page.ts';
import { FIXED } from './document-schema.ts';
import { choice, text, type Json, type Members, type Row } from './fields/field.ts';
import { rowsOf } from './fields/members.ts';
import { moduleFields } from './fields/module.ts';
import { shape } from './fields/shape.ts';
import { enumWords } from './fields/words.ts';

/** Every row of the table with its path, those of nested objects included. */
const allRows = (members: Members, path = ''): [path: string, row: Row][] =>
  rowsOf(members).flatMap((row) => [
    [`${path}/${row.word}`, row] as [string, Row],
    ...(row.members ? allRows(row.members, `${path}/${row.word}`) : []),
  ]);

const leafValue = ({ schema, values, kind }: Row): fc.Arbitrary<unknown> => {
  if (kind.startsWith('decimal')) return fc.integer({ min: 1, max: 1_000_000 }).map((millionths) => String(millionths / 1_000_000));
  if (values && schema['type'] !== 'array') return fc.constantFrom(...values.words);
  if ('const' in schema) return fc.constant(schema['const']);
  return valueOf(schema, values?.words);
};

/** Values of a schema that are no defaults, since those are left out of a written document. */
const valueOf = (schema: Json, words?: readonly string[]): fc.Arbitrary<unknown> => {
  switch (Array.isArray(schema['type']) ? schema['type'][0] : schema['type']) {
    case 'boolean':
      return fc.constant(true);
    case 'integer':
      return fc.integer({ min: Math.max(1, Number(schema['minimum'])), max: Number(schema['maximum']) });
    case 'array': {
      const items = words ? fc.constantFrom(...words) : valueOf(schema['items'] as Json);
      const minLength = Math.max(1, Number(schema['minItems'] ?? 0));
      return schema['uniqueItems'] === true
        ? fc.uniqueArray(items, { minLength, maxLength: 3 })
        : fc.array(items, { minLength, maxLength: 3 });
    }
    case 'object':
      return fc.dictionary(
        fc.string({ minLength: 1, maxLength: 8 }).filter((key) => !key.startsWith('__')),
        fc.string(),
        { minKeys: 1, maxKeys: 3 },
      );
    default:
      return typeof schema['pattern'] === 'string'
        ? fc.stringMatching(new RegExp(schema['pattern']))
        : fc
            .string({ minLength: 1, maxLength: Number(schema['maxLength'] ?? 12), unit: 'grapheme' })
            .filter((value) => value.length <= Number(schema['maxLength'] ?? 1000));
  }
};

const rowValue = (row: Row): fc.Arbitrary<unknown> => {
  if (!row.members) return leafValue(row);
  const object = objectOf(row.members);
  if (row.holds === 'list') return fc.array(object, { minLength: 1, maxLength: 2 });
  return row.holds === 'map' ? fc.dictionary(fc.stringMatching(/^[a-z]{1,5}$/), object, { minKeys: 1, maxKeys: 2 }) : object;
};

const isWithout = (object: Json, { only, needs = [] }: Row): boolean =>
  (only !== undefined && object[only] === undefined) || needs.some((word) => object[word] === undefined);

/** Objects with any of the words: one of each choice, no word without the one that it needs. */
const objectOf = (members: Members): fc.Arbitrary<Json> => {
  const rows = rowsOf(members).filter(({ alias }) => alias === undefined);
  const requiredKeys = rows.filter(({ required }) => required).map(({ word }) => word);
  const whole = fc.record(Object.fromEntries(rows.map((row) => [row.word, rowValue(row)])), { requiredKeys: requiredKeys as never[] });
  const picks = fc.tuple(...members.choices.map((words) => fc.constantFrom(...words)));
  const chosen = fc.record(
    Object.fromEntries(rows.filter((row) => members.choices.flat().includes(row.word)).map((row) => [row.word, rowValue(row)])),
  );
  return fc
    .tuple(whole, chosen, picks)
    .map(([object, choices, picked]) => {
      const result: Json = { ...object };
      for (const word of members.choices.flat()) delete result[word];
      for (const word of picked) result[word] = choices[word];
      // A requirement wins over `privacy: none`, so only one of them comes back.
      if (result['requires'] !== undefined) delete result['privacy'];
      // Null markers alone make a rule, whose strategy is then written.
      if (result['null'] !== undefined) result['emptyStrategy'] ??= 'Ignore';
      for (let before = -1; before !== Object.keys(result).length;) {
        before = Object.keys(result).length;
        for (const row of rows) if (isWithout(result, row)) delete result[row.word];
      }
      return result;
    })
    .filter((object) => Object.keys(object).length > 0);
};

const documents = objectOf(moduleFields.members).map((members) => ({ ...FIXED, ...members }));

describe('a module of any fields', () => {
  test('is written as the document that it was read from, which has the shape and survives expansion', async () => {
    await fc.assert(
      fc.asyncProperty(documents, async (document) => {
        const module = moduleFields.read(document, {});
        const written = writeDocument(module);
        expect(written).toEqual(document);
        expect(await parseDocument(written)).toEqual({ module });
      }),
      { numRuns: 200 },
    );
  });
});

const rows = allRows(moduleFields.members);

test.each(rows)('%s has a meaning, and an example of its own shape', (_, row) => {
  expect(row.meaning).toMatch(/^[A-Z`].*\.$/);
  if (row.members) return;
  const given = exampleOf(row);
  if (given === undefined) expect(row.kind).toBe('true or false');
  else expect(new Ajv2020({ strict: false }).validate(row.schema, given)).toBe(true);
});

const enums = new Map(rows.flatMap(([, { values }]) => (values ? [[values.typeName, values]] : [])));

test.each([...enums])('%s has a word for each value, and takes the spelling of proto JSON', (typeName, words) => {
  const values = registry.getEnum(typeName)?.values.filter(({ number }) => number !== 0) ?? [];
  expect(values.length).toBeGreaterThan(0);
  for (const { name, number } of values) {
    expect(words.toValue(name)).toBe(number);
    expect(words.toValue(words.toWord(number) ?? '')).toBe(number);
    expect(words.spellings).toContain(name);
  }
});

test('a document with the spelling of proto JSON is the same module', async () => {
  const table = {
    name: 't',
    columns: [{ name: 'c', datatype: { base: 'BASE_TYPE_DATETIME' }, role: 'QuasiIdentifying', emptyStrategy: 'EMPTY_STRATEGY_IGNORE' }],
  };
  const read = await parseDocument({ ...FIXED, name: 'm', tables: [table] });
  expect('module' in read && writeDocument(read.module)).toMatchObject({
    tables: [{ columns: [{ datatype: { base: 'dateTime' }, role: 'quasi-identifying', emptyStrategy: 'Ignore' }] }],
  });
});

describe('a document is refused with the pointer', () => {
  const column = { name: 'c', datatype: { base: 'string' }, role: 'insensitive' };
  const withTable = (table: Json, rest: Json = {}): Json => ({
    ...FIXED,
    name: 'm',
    tables: [{ name: 't', columns: [column], ...table }],
    ...rest,
  });
  const read = { table: 't', rank: 1, tableRead: { table: 'x' } };
  const cases: [name: string, document: Json, pointer: string][] = [
    ['of an object without a required word', withTable({ columns: [{ name: 'c', role: 'insensitive' }] }), '/tables/0/columns/0'],
    ['of an object inside that lacks one', withTable({ columns: [{ ...column, datatype: {} }] }), '/tables/0/columns/0/datatype'],
    ['of a word without the one that it needs', withTable({ primaryKey: ['c'] }), '/tables/0'],
    [
      'of two words of which one is to be chosen',
      withTable({}, { protocol: [{ ...read, fileRead: { path: 'x', format: 'csv' } }] }),
      '/protocol/0',
    ],
    ['of no word where one is to be chosen', withTable({}, { protocol: [{ table: 't', rank: 1 }] }), '/protocol/0'],
    [
      'of a word that is none of the enum',
      withTable({ columns: [{ ...column, emptyStrategy: 'Copy' }] }),
      '/tables/0/columns/0/emptyStrategy',
    ],
    ['of a number beyond its limits', withTable({}, { protocol: [{ ...read, rank: 10_001 }] }), '/protocol/0/rank'],
    ['of a text that is no name', withTable({ name: '1t' }), '/tables/0/name'],
    ['of a list without items', withTable({ columns: [] }), '/tables/0/columns'],
    [
      'of an unknown word, deep inside',
      withTable({}, { protocol: [{ ...read, tableRead: { table: 'x', where: 'y' } }] }),
      '/protocol/0/tableRead/where',
    ],
  ];

  test.each(cases)('%s', async (_, document, pointer) => {
    const found = await parseDocument(document);
    expect('violations' in found ? found.violations.map((violation) => violation.pointer) : []).toContain(pointer);
  });
});

describe('a csv dialect', () => {
  const reading = (csv: Json): Json => ({
    ...FIXED,
    name: 'm',
    tables: [{ name: 't', columns: [{ name: 'c', datatype: { base: 'string' }, role: 'insensitive' }] }],
    protocol: [{ table: 't', rank: 1, fileRead: { path: 'x', format: 'csv', csv } }],
  });
  const cases: [name: string, csv: Json, written: Json][] = [
    ['without quotes has null for the quote character', { quoteChar: null }, { quoteChar: null }],
    ['may have the earlier word for the quote character', { quote: "'" }, { quoteChar: "'" }],
    ['without a header line has no rows of a header', { header: false }, { headerRowCount: 0 }],
    ['may say that blanks are cut by true', { trim: true }, { trim: 'true' }],
  ];

  test.each(cases)('%s', async (_, csv, written) => {
    const read = await parseDocument(reading(csv));
    expect('module' in read ? writeDocument(read.module) : read).toMatchObject(reading(written));
  });
});

test('a format may be the pattern alone', async () => {
  const column = { name: 'c', datatype: { base: 'date', format: 'dd/MM/yyyy' }, role: 'insensitive' };
  const read = await parseDocument({ ...FIXED, name: 'm', tables: [{ name: 't', columns: [column] }] });
  expect('module' in read && read.module.tables[0]?.columns[0]?.type?.format?.pattern).toBe('dd/MM/yyyy');
});

test('a member of a message without a field does not compile', () => {
  const policy = choice('castPolicy', enumWords('CastPolicy', CastPolicy), { meaning: '' });
  // @ts-expect-error: `replacement` has no field.
  shape<CastRule>({ policy });
  // @ts-expect-error: the message has no member `other`.
  shape<CastRule>({ policy, replacement: text('castReplacement', { meaning: '' }), other: policy });
  // @ts-expect-error: `policy` is no text.
  shape<CastRule>({ policy: text('castPolicy', { meaning: '' }), replacement: text('castReplacement', { meaning: '' }) });
});

test('docs/document.md is the table of fields', async () => {
  await expect(documentPage()).toMatchFileSnapshot('../../../docs/document.md');
});
