import { EmptyStrategy, KeyConflict, NullReference, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column, oneSource, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});

afterAll(() => bench.close());

const key = (conflict: KeyConflict, withinSource: WithinSource = WithinSource.UNSPECIFIED, columns = ['id']) => ({
  columns,
  conflict,
  withinSource,
});

const drop = (name: string, base: BaseType = BaseType.STRING) =>
  column(name, base, { empty: { nullMarkers: ['?'], strategy: EmptyStrategy.DROP_RECORD } });

const source = (table: string, rank: number, rows: (string | null)[][]) => ({ table, rank, source: `s${rank}`, segments: [rows] });

describe('primary keys', () => {
  const columns = [column('id', BaseType.INTEGER), column('value')];
  const run = (conflict: KeyConflict, within: WithinSource, sources: (string | null)[][][]) =>
    runRules(
      bench,
      planOf([{ name: 't', columns, primaryKey: key(conflict, within) }]),
      sources.map((rows, index) => source('t', index + 1, rows)),
    );

  const conflicting = [
    [
      ['1', 'a1'],
      ['1', 'a2'],
      ['2', 'a'],
      [null, 'n'],
    ],
    [
      ['1', 'b'],
      ['2', 'b'],
      ['3', 'b'],
    ],
  ];

  it('keeps the row of the best source, the first of several', async () => {
    const { rows, counts } = await run(KeyConflict.SOURCE_PRIORITY, WithinSource.FIRST, conflicting);
    expect(rows['t']).toEqual([
      ['1', 'a1'],
      ['2', 'a'],
      ['3', 'b'],
    ]);
    expect(counts['t']).toMatchObject({ mergedCount: 3, dropped: [{ rule: 'primary_key', count: 1 }], fellBackCount: 0 });
  });

  it('keeps the last of several rows of one source', async () => {
    const { rows, counts } = await run(KeyConflict.SOURCE_PRIORITY, WithinSource.LAST, conflicting);
    expect(rows['t']).toEqual([
      ['1', 'a2'],
      ['2', 'a'],
      ['3', 'b'],
    ]);
    expect(counts['t']?.mergedCount).toBe(3);
  });

  it('drops several rows of one source, and the key falls to the next one', async () => {
    const { rows, counts } = await run(KeyConflict.SOURCE_PRIORITY, WithinSource.DROP, [
      ...conflicting,
      [
        ['1', 'c'],
        ['4', 'c'],
        ['4', 'd'],
      ],
    ]);
    expect(rows['t']).toEqual([
      ['2', 'a'],
      ['1', 'b'],
      ['3', 'b'],
    ]);
    expect(counts['t']).toMatchObject({ mergedCount: 2, dropped: [{ rule: 'primary_key', count: 5 }] });
  });

  it('drops every row of a key that occurs twice', async () => {
    const { rows, counts } = await run(KeyConflict.DROP_ALL_CONFLICTING, WithinSource.UNSPECIFIED, conflicting);
    expect(rows['t']).toEqual([['3', 'b']]);
    expect(counts['t']).toMatchObject({ mergedCount: 0, dropped: [{ rule: 'primary_key', count: 6 }] });
  });

  it('gives the rows of a shared key new ones that no row has, and leaves the others theirs', async () => {
    const { rows, counts } = await run(KeyConflict.GENERATE_KEYS, WithinSource.UNSPECIFIED, conflicting);
    expect(rows['t']).toEqual([
      ['5', 'a1'],
      ['4', 'a2'],
      ['7', 'a'],
      ['6', 'b'],
      ['8', 'b'],
      ['3', 'b'],
    ]);
    expect(counts['t']).toMatchObject({ mergedCount: 0, dropped: [{ rule: 'primary_key', count: 1 }] });
  });

  it('gives the same content the same new keys, whatever the order of its rows', async () => {
    const turned = conflicting.map((rows) => rows.toReversed());
    const before = await run(KeyConflict.GENERATE_KEYS, WithinSource.UNSPECIFIED, conflicting);
    const after = await run(KeyConflict.GENERATE_KEYS, WithinSource.UNSPECIFIED, turned);
    expect(after.rows['t']?.toSorted()).toEqual(before.rows['t']?.toSorted());
  });

  it('fills one row a key, each column from the first source in order that has a value', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [column('id', BaseType.INTEGER), column('name'), column('phone')],
        primaryKey: key(KeyConflict.FILL),
      },
      {
        name: 'calls',
        columns: [column('phone')],
        foreignKeys: [{ columns: ['phone'], referencedTable: 't', referencedColumns: ['phone'], nullReference: NullReference.KEEP }],
      },
    ]);
    const { rows, counts } = await runRules(bench, plan, [
      {
        table: 't',
        rank: 1,
        source: 'a',
        segments: [
          [
            ['1', 'Ada', null],
            ['2', null, null],
            [null, 'x', 'x'],
          ],
        ],
      },
      {
        table: 't',
        rank: 2,
        source: 'b',
        segments: [
          [
            ['1', 'Bea', '11'],
            ['2', 'Cleo', '22'],
            ['3', null, '33'],
          ],
        ],
      },
      {
        table: 't',
        rank: 3,
        source: 'c',
        segments: [
          [
            ['1', null, '99'],
            ['2', 'Dora', '98'],
          ],
        ],
      },
      oneSource('calls', [['11'], ['99'], ['22']]),
    ]);
    expect(rows['t']).toEqual([
      ['1', 'Ada', '11'],
      ['2', 'Cleo', '22'],
      ['3', null, '33'],
    ]);
    expect(rows['calls']).toEqual([['11'], ['22']]);
    expect(counts['t']).toMatchObject({ mergedCount: 4, dropped: [{ rule: 'primary_key', count: 1 }], storedCount: 3 });
  });

  it('says where new keys have no room in the type of the key', async () => {
    const small = column('id', BaseType.DECIMAL, { type: { base: BaseType.DECIMAL, precision: 1 } });
    const plan = planOf([{ name: 't', columns: [small, column('value')], primaryKey: key(KeyConflict.GENERATE_KEYS) }]);
    const crowd = Array.from({ length: 10 }, (_, index) => ['1', `v${index}`]);
    await expect(runRules(bench, plan, [oneSource('t', crowd)])).rejects.toThrow('Table t, column id: 2 new keys have no room');
  });

  it('compares keys by value, all columns of a composite one', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [column('id', BaseType.INTEGER), column('day', BaseType.DATE), column('value')],
        primaryKey: key(KeyConflict.DROP_ALL_CONFLICTING, WithinSource.UNSPECIFIED, ['id', 'day']),
      },
    ]);
    const { rows } = await runRules(bench, plan, [
      oneSource('t', [
        ['1', '2020-01-01', 'a'],
        ['01', '2020-01-01', 'b'],
        ['1', '2020-01-02', 'c'],
        ['1', null, 'd'],
      ]),
    ]);
    expect(rows['t']).toEqual([['1', '2020-01-02', 'c']]);
  });

  it('counts the keys that fell back because a rule dropped the preferred row', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [column('id', BaseType.INTEGER), drop('value')],
        primaryKey: key(KeyConflict.SOURCE_PRIORITY, WithinSource.FIRST),
      },
    ]);
    const { rows, counts } = await runRules(bench, plan, [
      source('t', 1, [
        ['1', '?'],
        ['2', 'a'],
        ['2', '?'],
        ['3', '?'],
        ['5', '?'],
      ]),
      source('t', 2, [
        ['1', '?'],
        ['2', 'b'],
        ['3', 'b'],
        ['4', '?'],
      ]),
      source('t', 3, [
        ['1', 'c'],
        ['4', 'c'],
        ['3', 'c'],
      ]),
    ]);
    expect(rows['t']).toEqual([
      ['2', 'a'],
      ['3', 'b'],
      ['1', 'c'],
      ['4', 'c'],
    ]);
    // 1 and 3 lost the row of source 1, 4 that of source 2; 2 has its preferred source still; 5 has no row at all.
    expect(counts['t']).toMatchObject({ fellBackCount: 3, mergedCount: 2, dropped: [{ rule: 'empty:value', count: 6 }] });
  });
});
