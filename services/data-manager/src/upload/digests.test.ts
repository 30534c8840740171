import { join } from 'node:path';
import { column, openBench, type Bench } from '../../test/support/run-fixture.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { onlyAdditions, writeDigests } from './digests.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

it('digests tell whether rows were only added', async () => {
  const directory = await bench.folder();
  const columns = [column('a'), column('b')];
  const write = async (name: string, values: string): Promise<string> => {
    await writeDigests(bench.engine, `SELECT * FROM (VALUES ${values}) AS _v(a, b)`, columns, join(directory, name));
    return join(directory, name);
  };
  const base = await write('base.parquet', "('a','b'),('a','b'),('c',NULL)");
  const more = await write('more.parquet', "('c',NULL),('a','b'),('d','d'),('a','b')");
  const fewer = await write('fewer.parquet', "('a','b'),('c',NULL),('d','d'),('e','e')");
  const config = { engineMemoryMb: 256 };
  expect(await onlyAdditions(base, more, config)).toBe(true);
  expect(await onlyAdditions(base, fewer, config)).toBe(false);
  expect(await onlyAdditions(join(directory, 'gone.parquet'), more, config)).toBeUndefined();
});
