import { BaseType, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { roleColumn } from '../../../test/support/anonymize-fixture.ts';
import { openBench, type Bench } from '../../../test/support/run-fixture.ts';
import { assertHoldable } from '../../outbox/holdable.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const { STRING, JSON, DATE, DATETIME, DATETIMESTAMP, INTEGER } = BaseType;

const check = (base: BaseType, values: string[]): Promise<void> =>
  assertHoldable(bench.engine, 't', `SELECT unnest([${values.join(', ')}]) AS v`, [roleColumn('v', Role.INSENSITIVE, base)]);

it.each([
  [STRING, ["'a' || chr(0)", 'chr(0)'], 'column v: 2 texts with a NUL character (U+0000)'],
  [JSON, [String.raw`'{"a":"x\u0000"}'`, String.raw`'"\\\u0000"'`], 'column v: 2 JSON texts with a NUL'],
  [DATE, ["DATE '0001-01-01' - 1", 'NULL'], 'column v: 1 dates before the year 1'],
  [DATETIME, ["TIMESTAMP '0001-01-01' - INTERVAL 1 DAY"], 'column v: 1 dates before the year 1'],
  [DATETIMESTAMP, ["TIMESTAMPTZ '0001-01-01 00:00:00+01'"], 'column v: 1 dates before the year 1'],
])('values of type %i that no target holds are found before the review, with column and count', async (base, values, message) => {
  await expect(check(base, values)).rejects.toThrow(`Table t: no target can hold these values: ${message}`);
});

it.each([
  [STRING, ["'a'", 'NULL', "''", String.raw`'\u0000'`]],
  [JSON, [String.raw`'"\\u0000"'`, String.raw`'{"u0000":1}'`]],
  [DATE, ["DATE 'infinity'", "DATE '0001-01-01'"]],
  [DATETIMESTAMP, ["TIMESTAMPTZ '-infinity'"]],
  [INTEGER, ['0']],
])('values of type %i that targets hold pass', async (base, values) => {
  await expect(check(base, values)).resolves.toBeUndefined();
});
