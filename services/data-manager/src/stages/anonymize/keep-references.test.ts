import { Metric } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { roleColumn, writeInput } from '../../../test/support/anonymize-fixture.ts';
import { contextOf, openBench, rowsOf, type Bench } from '../../../test/support/run-fixture.ts';
import { anonymize, readAnonymizeManifest } from './anonymize.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const quasi = (name: string, base?: BaseType): Column => roleColumn(name, Role.QUASI_IDENTIFYING, base);
const plain = (name: string, base?: BaseType): Column => roleColumn(name, Role.INSENSITIVE, base);

type Parts = NonNullable<Parameters<typeof EffectivePlan.fromPartial>[0]>;

const need = (k: number, suppressionLimit: number) =>
  k === 0 ? { noneReason: 'test' } : { models: [{ model: { $case: 'kAnonymity' as const, value: { k } } }], suppressionLimit };

/** People, whose ages are generalized for k = 2. */
const planFor = (columns: Column[], suppressionLimit: number, rest: Parts = {}): EffectivePlan => {
  const intervals = { origin: '0', width: '10', factor: 2, levels: 2 };
  const columnsOfStep = [{ column: 'age', scheme: { $case: 'intervals' as const, value: intervals } }];
  const step = { $case: 'generalize' as const, value: { columns: columnsOfStep, search: { metric: Metric.LOSS } } };
  return EffectivePlan.fromPartial({
    results: [{ name: 'people', columns, privacy: need(2, suppressionLimit) }, ...(rest.results ?? [])],
    steps: [{ table: 'people', rank: 1, operation: step }],
  });
};

const run = async (plan: EffectivePlan, rows: Record<string, (string | null)[][]>) => {
  const directory = await bench.folder();
  await writeInput(bench, directory, { plan, rows });
  await anonymize(contextOf(bench, directory, plan), { pseudonymKey: () => new Uint8Array(32).fill(1), seed: new Uint8Array(32) });
  const { manifest } = await readAnonymizeManifest(directory);
  const out: Record<string, (string | null)[][]> = {};
  for (const table of manifest.tables) out[table.table] = await rowsOf(bench, directory, table);
  return { manifest, out };
};

describe('references between tables', () => {
  const site = (k: number, limit: number): Parts => ({
    results: [
      {
        name: 'visits',
        columns: [plain('who', BaseType.INTEGER), quasi('ward')],
        foreignKeys: [{ columns: ['who'], referencedTable: 'people', referencedColumns: ['id'] }],
        privacy: need(k, limit),
      },
    ],
  });
  const PEOPLE = [plain('id', BaseType.INTEGER), quasi('age', BaseType.INTEGER)];
  const people = [
    ['1', '21'],
    ['2', '22'],
    ['3', '78'],
  ];
  const wards = {
    operation: {
      $case: 'generalize' as const,
      value: {
        columns: [{ column: 'ward', scheme: { $case: 'prefix' as const, value: { length: 1, step: 1 } } }],
        search: { metric: Metric.LOSS },
      },
    },
  };
  const withWards = (k: number, limit: number): EffectivePlan => {
    const plan = planFor(PEOPLE, 0.4, site(k, limit));
    plan.steps.push(...EffectivePlan.fromPartial({ steps: [{ table: 'visits', rank: 1, ...wards }] }).steps);
    return plan;
  };

  it('rows whose parent was suppressed go with it and are counted under their foreign key', async () => {
    const visits = [
      ['1', 'a'],
      ['3', 'b'],
      ['3', 'b'],
      [null, 'c'],
    ];
    const { out, manifest } = await run(planFor(PEOPLE, 0.4, site(0, 0)), { people, visits });
    expect(out['people']?.map(([id]) => id)).toEqual(['1', '2']);
    expect(out['visits']).toEqual([
      ['1', 'a'],
      [null, 'c'],
    ]);
    expect(manifest.reports[1]).toMatchObject({ dropped: [{ rule: 'foreign_key:who', count: 2 }], suppressedCount: 0, storedCount: 2 });
  });

  it('the requirement is measured on the rows that are left, not on those that went with their parent', async () => {
    // Both classes of `ward` hold two rows until a visit of the suppressed person goes.
    const visits = [
      ['1', 'a'],
      ['2', 'a'],
      ['2', 'b'],
      ['3', 'b'],
    ];
    const { out } = await run(withWards(2, 0), { people, visits });
    expect(out['visits']?.map(([, ward]) => ward)).toEqual(['*', '*', '*']);
  });

  it('a requirement that the rows that are left cannot meet ends the run', async () => {
    const visits = [
      ['1', 'a'],
      ['2', 'a'],
      ['3', 'b'],
    ];
    await expect(run(withWards(3, 0), { people, visits })).rejects.toThrow('Table visits: no levels hold k = 3');
  });

  it('hold again around a cycle, and within a table', async () => {
    const plan = planFor([...PEOPLE, plain('boss', BaseType.INTEGER)], 0.5);
    plan.results[0]?.foreignKeys.push({ columns: ['boss'], referencedTable: 'people', referencedColumns: ['id'], nullReference: 1 });
    const { out } = await run(plan, {
      people: [
        ['1', '21', '2'],
        ['2', '22', '1'],
        ['3', '23', null],
        ['4', '24', null],
        ['5', '78', null],
        ['6', '25', '5'],
        ['7', '26', '6'],
      ],
    });
    expect(out['people']?.map(([id]) => id)).toEqual(['1', '2', '3', '4']);
  });
});
