// One grammar of a value: what the engine reads and writes is what an edit may have.
import { BaseType, DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { isValue } from '@lethe/module/datatype';
import fc from 'fast-check';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteLiteral } from '../plan/identifiers.ts';
import { readTextSql } from '../plan/types.ts';
import { openEngine, type Engine } from './engine.ts';

let engine: Engine;
let directory: string;
beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'lethe-forms-'));
  engine = await openEngine({ directory });
});
afterAll(() => {
  engine.kill();
  rmSync(directory, { recursive: true, force: true });
});

const two = (value: number): string => String(value).padStart(2, '0');
const DATE = fc
  .tuple(
    fc.constantFrom('0000', '0001', '1969', '2024', '9999', '10000', '290000', '294246', '294247', '999999'),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 31 }),
  )
  .map(([year, month, day]) => `${year}-${two(month)}-${two(day)}`);
const TIME = fc
  .tuple(fc.integer({ min: 0, max: 24 }), fc.constantFrom(0, 59), fc.constantFrom('', ':00', ':59', ':00.1', ':59.999999', ':00.0000000'))
  .map(([hour, minute, rest]) => `${two(hour)}:${two(minute)}${rest}`);
const ZONE = fc.constantFrom('Z', '+00', '+00:00', '-03:30', '+14:00', ' +05', '+0530');
const INFINITE = fc.constantFrom('infinity', '-infinity');
const stamp = (zone: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  fc.tuple(DATE, fc.constantFrom(' ', 'T'), TIME, zone).map((parts) => parts.join(''));

const FORMS: [name: string, base: BaseType, texts: fc.Arbitrary<string>][] = [
  ['boolean', BaseType.BOOLEAN, fc.constantFrom('true', 'T', '1', 'FALSE', 'f', '0', 'yes')],
  [
    'integer',
    BaseType.INTEGER,
    fc.oneof(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 64n }).map(String), fc.constantFrom('42.0', '4.2e1', '+7')),
  ],
  [
    'decimal',
    BaseType.DECIMAL,
    fc.oneof(fc.integer().map(String), fc.constantFrom('.5', '1.50', '1e3', '1e-4', '99999999999999999999999999999999')),
  ],
  [
    'double',
    BaseType.DOUBLE,
    fc.oneof(fc.double().map(String), fc.constantFrom('-0', '5e-324', 'inf', '-Infinity', 'nan', '-nan', '1e999')),
  ],
  [
    'date',
    BaseType.DATE,
    fc.oneof(
      DATE,
      INFINITE,
      DATE.map((date) => `${date} 00:00:00`),
    ),
  ],
  ['time', BaseType.TIME, TIME],
  ['datetime', BaseType.DATETIME, fc.oneof(stamp(fc.constant('')), INFINITE)],
  ['dateTimeStamp', BaseType.DATETIMESTAMP, fc.oneof(stamp(ZONE), INFINITE)],
  ['uuid', BaseType.UUID, fc.uuid().map((uuid) => uuid.toUpperCase())],
  ['binary', BaseType.BINARY, fc.constantFrom('', '00ff', '\\xAB', '\\x')],
];

test.each(FORMS)(
  'what the engine writes of a %s that it has read is a value, and is read as the same again',
  async (_name, base, texts) => {
    const type = DataType.fromPartial({ base, precision: base === BaseType.DECIMAL ? 38 : 0, scale: base === BaseType.DECIMAL ? 6 : 0 });
    const sample = [...new Set(fc.sample(texts, 300))];
    const values = sample.map((text) => `(${quoteLiteral(text)})`).join(', ');
    const written = (expression: string): string =>
      base === BaseType.BINARY ? `lower(hex(${expression}))` : `CAST(${expression} AS VARCHAR)`;
    const first = written(readTextSql('t', type, DUCKDB));
    const again = written(readTextSql('w', type, DUCKDB));
    const found = await engine.sql(`SELECT t, w, ${again} FROM (SELECT t, ${first} AS w FROM (VALUES ${values}) AS v(t))`);
    // What is a value is read.
    expect(found.rows.filter(([text, read]) => read === null && isValue(text ?? '', type))).toEqual([]);
    const rows = found.rows.filter(([, read]) => read !== null);
    expect(rows.length).toBeGreaterThan(1);
    expect(rows.filter(([, text]) => !isValue(text ?? '', type))).toEqual([]);
    expect(rows.filter(([, text, twice]) => text !== twice)).toEqual([]);
  },
);
