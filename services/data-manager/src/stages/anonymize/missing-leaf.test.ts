// Values that a hierarchy does not have, by each policy.
import { Metric, MissingLeaf } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Normalization, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { roleColumn, writeInput } from '../../../test/support/anonymize-fixture.ts';
import { contextOf, openBench, rowsOf, type Bench } from '../../../test/support/run-fixture.ts';
import { anonymize, readAnonymizeManifest } from './anonymize.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const ROWS = [['Paris'], ['paris'], ['Lyon'], ['Lyon '], ['Lyon']];
const HIERARCHY = {
  name: 'h',
  rows: [
    ['Paris', 'FR', '*'],
    ['Lyon', 'FR', '*'],
  ].map((levels) => ({ levels })),
};

type Options = { suppressionLimit?: number; k?: number; rows?: string[][]; level?: number; normalize?: Normalization };

const run = async (
  missingLeaf: MissingLeaf,
  { suppressionLimit = 0, k = 2, rows = ROWS, level, normalize = Normalization.UNSPECIFIED }: Options = {},
) => {
  const plan = EffectivePlan.fromPartial({
    results: [
      {
        name: 't',
        columns: [{ ...roleColumn('place', Role.QUASI_IDENTIFYING), normalize }],
        privacy: { models: [{ model: { $case: 'kAnonymity', value: { k } } }], suppressionLimit },
      },
    ],
    steps: [
      {
        table: 't',
        rank: 1,
        operation: {
          $case: 'generalize',
          value: {
            columns: [
              { column: 'place', scheme: { $case: 'hierarchy', value: 'h' }, missingLeaf, ...(level === undefined ? {} : { level }) },
            ],
            ...(level === undefined ? { search: { metric: Metric.LOSS } } : {}),
          },
        },
      },
    ],
    hierarchies: [HIERARCHY],
  });
  const directory = await bench.folder();
  await writeInput(bench, directory, { plan, rows: { t: rows } });
  await anonymize(contextOf(bench, directory, plan), { pseudonymKey: () => new Uint8Array(32), seed: new Uint8Array(32) });
  const { manifest } = await readAnonymizeManifest(directory);
  const [table] = manifest.tables;
  return {
    values: table ? (await rowsOf(bench, directory, table)).map(([value]) => value) : [],
    report: manifest.reports[0],
    privacy: manifest.privacy[0],
  };
};

it.each([MissingLeaf.UNSPECIFIED, MissingLeaf.FAIL])('policy %i ends the run with column, hierarchy and count', async (policy) => {
  await expect(run(policy)).rejects.toThrow('Table t, column place: 2 rows hold a value that hierarchy h does not have.');
});

it('Root makes the value the root at every level, and counts it', async () => {
  const { values, report } = await run(MissingLeaf.ROOT);
  expect(values).toEqual(['*', '*', 'FR', 'FR', 'FR']);
  expect([report?.replaced, report?.dropped, report?.suppressedCount]).toEqual([[{ rule: 'leaf:place', count: 2 }], [], 0]);
});

it('Root does so where the column keeps its values', async () => {
  const { values, privacy } = await run(MissingLeaf.ROOT, { k: 2, rows: [['Lyon'], ['Lyon'], ['x'], ['y']] });
  expect(values).toEqual(['*', '*', 'Lyon', 'Lyon']);
  expect(privacy?.changedColumns).toContain('place');
});

it('Suppress removes the row within the limit of suppressed rows', async () => {
  const { values, report } = await run(MissingLeaf.SUPPRESS, { suppressionLimit: 0.4 });
  expect(values).toEqual(['FR', 'FR', 'FR']);
  expect([report?.suppressedCount, report?.storedCount, report?.dropped]).toEqual([2, 3, []]);
  await expect(run(MissingLeaf.SUPPRESS, { suppressionLimit: 0.2 })).rejects.toThrow('no levels hold');
});

it('DropRecord removes the row, counts it, and leaves the limit to others', async () => {
  const { values, report, privacy } = await run(MissingLeaf.DROP_RECORD);
  expect(values).toEqual(['FR', 'FR', 'FR']);
  expect([report?.suppressedCount, report?.dropped, privacy?.rowsIn]).toEqual([0, [{ rule: 'leaf:place', count: 2 }], 3]);
});

it('a NULL is never without a leaf', async () => {
  const { values } = await run(MissingLeaf.DROP_RECORD, {
    rows: [['Lyon'], ['Lyon'], [null as unknown as string], [null as unknown as string]],
  });
  expect(values).toHaveLength(4);
});

it('a fixed level has the policies too', async () => {
  expect((await run(MissingLeaf.ROOT, { level: 1 })).values).toEqual(['*', '*', 'FR', 'FR', 'FR']);
});

it('leaves are compared in the normal form that the column declares', async () => {
  HIERARCHY.rows.push({ levels: ['Orle\u0301ans', 'FR', '*'] });
  const rows = [['Orl\u00e9ans'], ['Orl\u00e9ans']];
  expect((await run(MissingLeaf.FAIL, { rows, normalize: Normalization.NFC })).values).toEqual(['Orl\u00e9ans', 'Orl\u00e9ans']);
  await expect(run(MissingLeaf.FAIL, { rows })).rejects.toThrow('2 rows hold a value');
});
