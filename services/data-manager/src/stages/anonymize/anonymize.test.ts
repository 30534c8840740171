import { createHmac } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DateUnit, Metric, SuppressScope, type AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, Role, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { quoteList } from '../../plan/identifiers.ts';
import { roleColumn, writeInput } from '../../../test/support/anonymize-fixture.ts';
import { anonymize, readAnonymizeManifest } from './anonymize.ts';
import { contextOf, openBench, rowsOf, type Bench } from '../../../test/support/run-fixture.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const KEY = Buffer.from('00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff', 'hex');
const keys = { pseudonymKey: (domain: string) => createHmac('sha256', KEY).update(domain).digest(), seed: new Uint8Array(32) };

const quasi = (name: string, base?: BaseType): Column => roleColumn(name, Role.QUASI_IDENTIFYING, base);
const plain = (name: string, base?: BaseType): Column => roleColumn(name, Role.INSENSITIVE, base);

type Parts = NonNullable<Parameters<typeof EffectivePlan.fromPartial>[0]>;
type Step = NonNullable<Parts['steps']>[number];

const planFor = (columns: Column[], steps: Step[], k: number, suppressionLimit: number, rest: Parts = {}): EffectivePlan =>
  EffectivePlan.fromPartial({
    ...rest,
    results: [
      {
        name: 'people',
        columns,
        privacy: k === 0 ? { noneReason: 'test' } : { models: [{ model: { $case: 'kAnonymity', value: { k } } }], suppressionLimit },
      },
      ...(rest.results ?? []),
    ],
    steps: steps.map((step, index) => ({ table: 'people', rank: index + 1, ...step })) as AnonymizationStep[],
  });

const run = async (plan: EffectivePlan, rows: Record<string, (string | null)[][]>, segmentRows?: number) => {
  const directory = await bench.folder();
  await writeInput(bench, directory, { plan, rows, segmentRows });
  await anonymize(contextOf(bench, directory, plan), keys);
  const { manifest } = await readAnonymizeManifest(directory);
  const out: Record<string, (string | null)[][]> = {};
  for (const table of manifest.tables) out[table.table] = await rowsOf(bench, directory, table);
  return { directory, manifest, out };
};

const ages = (values: (number | null)[]): (string | null)[][] => values.map((age) => [age === null ? null : String(age), 'x']);
const AGE = [quasi('age', BaseType.INTEGER), plain('note')];
const intervals = (level?: number): Step => ({
  operation: {
    $case: 'generalize',
    value: {
      columns: [
        {
          column: 'age',
          scheme: { $case: 'intervals', value: { origin: '0', width: '10', factor: 2, levels: 2 } },
          ...(level === undefined ? {} : { level }),
        },
      ],
      ...(level === undefined ? { search: { metric: Metric.LOSS } } : {}),
    },
  },
});

describe('a searched step', () => {
  it('takes the lowest level that holds k and removes the rows of small classes within the limit', async () => {
    const { out, manifest } = await run(planFor(AGE, [intervals()], 2, 0.2), { people: ages([21, 22, 31, 33, 78]) });
    expect(out['people']).toEqual([
      ['[20, 30)', 'x'],
      ['[20, 30)', 'x'],
      ['[30, 40)', 'x'],
      ['[30, 40)', 'x'],
    ]);
    expect(manifest.privacy[0]).toMatchObject({
      rowsIn: 5,
      suppressedCount: 1,
      levels: [{ column: 'age', level: 1, highestLevel: 3, fixed: false }],
    });
    expect(manifest.reports[0]).toMatchObject({ suppressedCount: 1, storedCount: 4 });
    expect(manifest.tables[0]?.columns[0]?.type?.base).toBe(BaseType.STRING);
  });

  it('keeps a column of level 0 in its own type', async () => {
    const { manifest, out } = await run(planFor(AGE, [intervals()], 2, 0), { people: ages([21, 21, 30, 30]) });
    expect(manifest.tables[0]?.columns[0]?.type?.base).toBe(BaseType.INTEGER);
    expect(out['people']?.map(([age]) => age)).toEqual(['21', '21', '30', '30']);
  });

  it('keeps NULL a category of its own below the root and lets it reach the root', async () => {
    const kept = await run(planFor(AGE, [intervals()], 2, 0), { people: ages([21, 22, null, null]) });
    expect(kept.out['people']?.map(([age]) => age)).toEqual(['[20, 30)', '[20, 30)', null, null]);
    const alone = await run(planFor(AGE, [intervals()], 2, 0), { people: ages([21, 22, null]) });
    expect(alone.out['people']?.map(([age]) => age)).toEqual(['*', '*', '*']);
  });

  it('counts quasi-identifying columns that are not generalized, and later fixed levels', async () => {
    const columns = [quasi('age', BaseType.INTEGER), quasi('day', BaseType.DATE)];
    const dates: Step = {
      operation: {
        $case: 'generalize',
        value: { columns: [{ column: 'day', scheme: { $case: 'dates', value: { units: [DateUnit.MONTH] } }, level: 1 }] },
      },
    };
    const rows = {
      people: [
        ['21', '2020-01-01'],
        ['22', '2020-01-02'],
        ['31', '2020-02-03'],
        ['32', '2020-02-04'],
      ],
    };
    const { out } = await run(planFor(columns, [intervals(), dates], 2, 0), rows);
    expect(out['people']).toEqual([
      ['[20, 30)', '2020-01'],
      ['[20, 30)', '2020-01'],
      ['[30, 40)', '2020-02'],
      ['[30, 40)', '2020-02'],
    ]);
    await expect(run(planFor(columns, [intervals()], 2, 0), rows)).rejects.toThrow(/Table people: no levels hold k = 2/u);
  });

  it('says that no levels hold, with counts and without values', async () => {
    const failure = run(planFor([...AGE, quasi('city')], [intervals()], 2, 0.1), {
      people: [
        ['21', 'x', 'Athens'],
        ['22', 'x', 'Basel'],
      ],
    });
    await expect(failure).rejects.toThrow(
      'Table people: no levels hold k = 2 with at most 0 of 2 rows suppressed; at the highest levels 2 would have to be.',
    );
  });

  it('does not count rows that a step removed by declared values against the limit', async () => {
    const remove: Step = { operation: { $case: 'suppress', value: { scope: SuppressScope.RECORD, columns: ['note'], values: ['out'] } } };
    const rows = {
      people: [
        ['21', 'out'],
        ['22', 'x'],
        ['23', 'x'],
        ['78', 'x'],
      ],
    };
    const { manifest } = await run(planFor(AGE, [remove, intervals()], 2, 0.34), rows);
    expect(manifest.privacy[0]).toMatchObject({ rowsIn: 3, suppressedCount: 1 });
    expect(manifest.reports[0]).toMatchObject({ suppressedCount: 1, storedCount: 2, dropped: [{ rule: 'suppress:note', count: 1 }] });
    const strict = await run(planFor(AGE, [remove, intervals()], 2, 0), rows);
    expect(strict.out['people']?.map(([age]) => age)).toEqual(['*', '*', '*']);
  });

  it('packs the keys of suppressed classes over more combinations than one number holds', async () => {
    const names = Array.from({ length: 9 }, (_, index) => `q${index}`);
    const rows = Array.from({ length: 400 }, (_, row) =>
      names.map((_, index) => (row < 398 ? `same${Math.floor(row / 2)}` : `${row}-${index}`)),
    );
    const step: Step = {
      operation: {
        $case: 'generalize',
        value: { columns: [{ column: 'q0', scheme: { $case: 'prefix', value: { length: 10, step: 10 } }, level: 0 }] },
      },
    };
    const { out, manifest } = await run(
      planFor(
        names.map((name) => quasi(name)),
        [step],
        2,
        0.01,
      ),
      { people: rows },
    );
    expect(manifest.privacy[0]?.suppressedCount).toBe(2);
    expect(out['people']).toHaveLength(398);
  });
});

describe('hierarchies', () => {
  const byHierarchy = (level: number): Step => ({
    operation: { $case: 'generalize', value: { columns: [{ column: 'city', scheme: { $case: 'hierarchy', value: 'places' }, level }] } },
  });
  const CITY = [plain('city')];
  const rows = (values: (string | null)[]) => ({ people: values.map((value) => [value]) });
  const places = [{ levels: ['Bern', 'CH', '*'] }, { levels: ['Basel', 'CH', '*'] }, { levels: ['Wien "x", y', 'AT', '*'] }];

  it('show the label of a fixed level for any column, whatever its characters', async () => {
    const { out } = await run(
      planFor(CITY, [byHierarchy(1)], 0, 0, { hierarchies: [{ name: 'places', rows: places }] }),
      rows(['Bern', 'Wien "x", y', null]),
    );
    expect(out['people']?.map(([city]) => city)).toEqual(['AT', 'CH', null]);
  });

  it('may be a collected table, which is not published', async () => {
    const levels = [plain('leaf'), plain('country'), plain('world')];
    const plan = planFor(CITY, [byHierarchy(1)], 0, 0, {
      hierarchies: [{ name: 'places', table: 'places' }],
      results: [{ name: 'places', columns: levels, unpublished: true }],
    });
    const { out, manifest } = await run(plan, { ...rows(['Bern']), places: [['Bern', 'CH', '*']] });
    expect(out).toEqual({ people: [['CH']] });
    expect(manifest.tables.map(({ table }) => table)).toEqual(['people']);
  });

  it('fail for values without a leaf, naming column and count and never the value', async () => {
    const plan = planFor(CITY, [byHierarchy(1)], 0, 0, { hierarchies: [{ name: 'places', rows: places }] });
    await expect(run(plan, rows(['Bern', 'Secret', 'Secret', null]))).rejects.toThrow(
      'Table people, column city: 2 rows hold a value that hierarchy places does not have.',
    );
  });

  it('fail where a value has two parents', async () => {
    const crooked = [{ levels: ['Bern', 'CH', 'west', '*'] }, { levels: ['Basel', 'CH', 'east', '*'] }];
    const plan = planFor(CITY, [byHierarchy(1)], 0, 0, { hierarchies: [{ name: 'places', rows: crooked }] });
    await expect(run(plan, rows(['Bern']))).rejects.toThrow('Hierarchy places: 1 values of level 1 have more than one parent at level 2.');
  });
});

describe('Suppress', () => {
  const step = (scope: SuppressScope, columns: string[], values: string[] = []): Step => ({
    operation: { $case: 'suppress', value: { scope, columns, values } },
  });
  const rows = {
    people: [
      ['1', 'a'],
      ['2', 'b'],
      [null, 'c'],
    ],
  };
  const columns = [plain('number', BaseType.INTEGER), plain('note')];

  it('removes columns', async () => {
    const { out } = await run(planFor(columns, [step(SuppressScope.COLUMN, ['number'])], 0, 0), rows);
    expect(out['people']).toEqual([['a'], ['b'], ['c']]);
  });

  it('removes rows by value in the type of the column, and no rows with NULL', async () => {
    const { out, manifest } = await run(planFor(columns, [step(SuppressScope.RECORD, ['number'], ['+2'])], 0, 0), rows);
    expect(out['people']).toEqual([
      ['1', 'a'],
      [null, 'c'],
    ]);
    expect(manifest.privacy[0]).toMatchObject({ suppressedCount: 0, dropped: [{ rule: 'suppress:number', count: 1 }] });
  });

  it('makes values NULL', async () => {
    const { out } = await run(planFor(columns, [step(SuppressScope.VALUE, ['note'], ['a', 'b'])], 0, 0), rows);
    expect(out['people']).toEqual([
      ['1', null],
      ['2', null],
      [null, 'c'],
    ]);
  });

  it('makes cells NULL in rows of classes below k', async () => {
    const cells = [quasi('age', BaseType.INTEGER), quasi('note')];
    const input = {
      people: [
        ['1', 'a'],
        ['1', 'a'],
        ['2', 'b'],
        ['2', 'c'],
      ],
    };
    const { out } = await run(planFor(cells, [step(SuppressScope.CELL, ['note'])], 2, 0), input);
    expect(out['people']).toEqual([
      ['1', 'a'],
      ['1', 'a'],
      ['2', null],
      ['2', null],
    ]);
  });

  it('refuses values that cannot be read as the type of the column, and a column that is not there', async () => {
    await expect(run(planFor(columns, [step(SuppressScope.VALUE, ['number'], ['secret'])], 0, 0), rows)).rejects.toThrow(
      "Table people: values to suppress cannot be read as the column's type: column number: 1.",
    );
    await expect(run(planFor(columns, [step(SuppressScope.COLUMN, ['gone'])], 0, 0), rows)).rejects.toThrow('a step names column gone');
  });
});

describe('Pseudonymize', () => {
  const step = (columns: string[], domain: string, length = 0): Step => ({
    operation: { $case: 'pseudonymize', value: { columns, domain, length } },
  });

  it('makes HMAC-SHA-256 tokens, the same in another table of the domain, and leaves NULL', async () => {
    const plan = planFor([roleColumn('name', Role.IDENTIFYING)], [step(['name'], 'person')], 0, 0, {
      results: [{ name: 'visits', columns: [roleColumn('who', Role.IDENTIFYING)], privacy: { noneReason: 'test' } }],
    });
    plan.steps.push({ ...plan.steps[0], table: 'visits', operation: step(['who'], 'person', 40).operation } as AnonymizationStep);
    const { out, manifest } = await run(plan, { people: [['Zoë Ω'], [null]], visits: [['Zoë Ω']] });
    const token = createHmac('sha256', keys.pseudonymKey('person')).update('Zoë Ω').digest('hex');
    expect(out['people']).toEqual([[token.slice(0, 32)], [null]]);
    expect(out['visits']).toEqual([[token.slice(0, 40)]]);
    expect(manifest.tables[0]?.columns[0]?.role).toBe(Role.PSEUDONYM);
  });

  it('fails where short tokens collide', async () => {
    const rows = { people: Array.from({ length: 40 }, (_, index) => [`name ${index}`]) };
    await expect(run(planFor([roleColumn('name', Role.IDENTIFYING)], [step(['name'], 'p', 1)], 0, 0), rows)).rejects.toThrow(
      /Table people, column name: \d+ tokens of this length collide/u,
    );
  });

  it('shows the key in no error and in no file of the stage', async () => {
    const plan = planFor([roleColumn('name', Role.IDENTIFYING)], [step(['name'], 'person')], 0, 0);
    const directory = await bench.folder();
    await writeInput(bench, directory, { plan, rows: { people: [['x']] } });
    const long = { ...keys, pseudonymKey: () => Buffer.alloc(65, 'K') };
    const failure = await anonymize(contextOf(bench, directory, plan), long).catch((error: unknown) => String(error));
    expect(failure).toContain('1 to 64 bytes');
    expect(failure).not.toContain('KKKK');
    await anonymize(contextOf(bench, directory, plan), keys);
    const key = Buffer.from(keys.pseudonymKey('person')).toString('hex').slice(0, 16);
    expect(await readFile(join(directory, 'anonymize', 'manifest.json'), 'utf8')).not.toContain(key);
  });
});

describe('the rows that leave', () => {
  it('are numbered from 1 by content, so that input order and segments leave no trace', async () => {
    const rows = Array.from({ length: 50 }, (_, index) => [String((index * 37) % 11), `n${(index * 13) % 7}`]);
    const plan = planFor([plain('a', BaseType.INTEGER), plain('b')], [], 0, 0);
    const read = async (input: (string | null)[][], segmentRows: number) => {
      const { directory, manifest } = await run(plan, { people: input }, segmentRows);
      const paths = quoteList((manifest.tables[0]?.segments ?? []).map(({ path }) => join(directory, path)));
      return (
        await bench.engine.sql(
          `SELECT row_id, a, b, file_row_number FROM read_parquet(${paths}, file_row_number = true) ORDER BY file_row_number`,
        )
      ).rows;
    };
    const first = await read(rows, 7);
    expect(first.map(([id]) => id)).toEqual(Array.from({ length: 50 }, (_, index) => String(index + 1)));
    expect(await read(rows.toReversed(), 1000)).toEqual(first);
  });

  it('may be none', async () => {
    const { out, manifest } = await run(planFor(AGE, [intervals()], 2, 0), { people: [] });
    expect(out['people']).toEqual([]);
    expect(manifest.privacy[0]).toMatchObject({ rowsIn: 0, suppressedCount: 0 });
  });
});
