import { EmptyStrategy, KeyConflict, NullReference, RangeStrategy, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
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

describe('foreign keys', () => {
  const child = (nullReference: NullReference = NullReference.KEEP) => ({
    name: 'child',
    columns: [column('id'), column('parent', BaseType.INTEGER)],
    foreignKeys: [{ columns: ['parent'], referencedTable: 'parent', referencedColumns: ['id'], nullReference }],
  });
  const parent = {
    name: 'parent',
    columns: [column('id', BaseType.INTEGER), column('code')],
    primaryKey: key(KeyConflict.SOURCE_PRIORITY, WithinSource.FIRST),
  };

  it('drops orphans and counts them, and keeps or drops empty references as declared', async () => {
    const rows = [
      oneSource('parent', [['1', 'x']]),
      oneSource('child', [
        ['a', '1'],
        ['b', '2'],
        ['c', null],
      ]),
    ];
    const kept = await runRules(bench, planOf([child(), parent]), rows);
    expect(kept.rows['child']).toEqual([
      ['a', '1'],
      ['c', null],
    ]);
    expect(kept.counts['child']?.dropped).toEqual([{ rule: 'foreign_key:parent', count: 1 }]);
    const dropped = await runRules(bench, planOf([child(NullReference.DROP), parent]), rows);
    expect(dropped.rows['child']).toEqual([['a', '1']]);
    expect(dropped.counts['child']?.dropped).toEqual([{ rule: 'foreign_key:parent', count: 2 }]);
  });

  it('follows a cascade over tables, begun by a rule for values', async () => {
    const table = (name: string, target: string) => ({
      name,
      columns: [column('id', BaseType.INTEGER), column('ref', BaseType.INTEGER)],
      foreignKeys: [{ columns: ['ref'], referencedTable: target, referencedColumns: ['id'], nullReference: NullReference.KEEP }],
    });
    const root = {
      name: 'root',
      columns: [column('id', BaseType.INTEGER, { range: { minimum: '2', strategy: RangeStrategy.DROP_RECORD } })],
    };
    const { rows, counts } = await runRules(bench, planOf([table('c', 'b'), table('b', 'a'), table('a', 'root'), root]), [
      oneSource('root', [['1'], ['2']]),
      oneSource('a', [
        ['10', '1'],
        ['11', '2'],
      ]),
      oneSource('b', [
        ['20', '10'],
        ['21', '11'],
      ]),
      oneSource('c', [
        ['30', '20'],
        ['31', '21'],
        ['32', null],
      ]),
    ]);
    expect(rows).toEqual({
      root: [['2']],
      a: [['11', '2']],
      b: [['21', '11']],
      c: [
        ['31', '21'],
        ['32', null],
      ],
    });
    expect(counts['c']?.dropped).toEqual([{ rule: 'foreign_key:ref', count: 1 }]);
  });

  const tree = {
    name: 'tree',
    columns: [column('id', BaseType.INTEGER), column('up', BaseType.INTEGER)],
    foreignKeys: [{ columns: ['up'], referencedTable: 'tree', referencedColumns: ['id'], nullReference: NullReference.KEEP }],
  };

  it('takes a whole branch when a table refers to itself, and leaves cycles alone', async () => {
    const { rows, counts } = await runRules(bench, planOf([tree]), [
      oneSource('tree', [
        ['1', null],
        ['2', '1'],
        ['3', '2'],
        ['10', '99'],
        ['11', '10'],
        ['12', '11'],
        ['20', '21'],
        ['21', '20'],
        ['30', '30'],
      ]),
    ]);
    expect(rows['tree']?.map((row) => row[0])).toEqual(['1', '2', '3', '20', '21', '30']);
    expect(counts['tree']?.dropped).toEqual([{ rule: 'foreign_key:up', count: 3 }]);
  });

  it('lets a long chain fall to its end', async () => {
    const chain = Array.from({ length: 60 }, (_, index) => [String(index + 1), String(index)]);
    expect((await runRules(bench, planOf([tree]), [oneSource('tree', chain)])).rows['tree']).toEqual([]);
  });

  it('refers to any column, of which one alive row is enough, and to several columns together', async () => {
    const plan = planOf([
      {
        name: 'visit',
        columns: [column('code'), column('day', BaseType.DATE)],
        foreignKeys: [
          { columns: ['code', 'day'], referencedTable: 'place', referencedColumns: ['code', 'opened'], nullReference: NullReference.KEEP },
        ],
      },
      { name: 'place', columns: [column('code'), column('opened', BaseType.DATE), drop('note')] },
    ]);
    const { rows } = await runRules(bench, plan, [
      oneSource('place', [
        ['x', '2020-01-01', '?'],
        ['x', '2020-01-01', 'ok'],
        ['y', '2020-01-01', '?'],
        ['z', null, 'ok'],
      ]),
      oneSource('visit', [
        ['x', '2020-01-01'],
        ['x', '2020-01-02'],
        ['y', '2020-01-01'],
        ['z', null],
        [null, '2020-01-01'],
      ]),
    ]);
    expect(rows['visit']).toEqual([
      ['x', '2020-01-01'],
      ['z', null],
      [null, '2020-01-01'],
    ]);
  });

  it('does not find a parent that was merged or dropped by its key, and finds the one that stays', async () => {
    const { rows } = await runRules(bench, planOf([child(), { ...parent, primaryKey: key(KeyConflict.DROP_ALL_CONFLICTING) }]), [
      oneSource('parent', [
        ['1', 'x'],
        ['1', 'y'],
        ['2', 'z'],
      ]),
      oneSource('child', [
        ['a', '1'],
        ['b', '2'],
      ]),
    ]);
    expect(rows['child']).toEqual([['b', '2']]);
  });

  it('names the first of two foreign keys that a row breaks', async () => {
    const two = {
      ...child(),
      columns: [column('other', BaseType.INTEGER), column('parent', BaseType.INTEGER)],
      foreignKeys: ['parent', 'other'].map((name) => ({
        columns: [name],
        referencedTable: 'parent',
        referencedColumns: ['id'],
        nullReference: NullReference.KEEP,
      })),
    };
    const { counts } = await runRules(bench, planOf([two, parent]), [
      oneSource('parent', [['1', 'x']]),
      oneSource('child', [
        ['2', '2'],
        ['2', '1'],
        ['1', '1'],
      ]),
    ]);
    expect(counts['child']?.dropped).toEqual([
      { rule: 'foreign_key:parent', count: 1 },
      { rule: 'foreign_key:other', count: 1 },
    ]);
  });
});

describe('generated keys', () => {
  const orders = {
    name: 'orders',
    columns: [column('id', BaseType.INTEGER), column('who'), column('before', BaseType.INTEGER)],
    primaryKey: key(KeyConflict.GENERATE_KEYS),
    foreignKeys: [{ columns: ['before'], referencedTable: 'orders', referencedColumns: ['id'], nullReference: NullReference.KEEP }],
  };
  const lines = {
    name: 'lines',
    columns: [column('order', BaseType.INTEGER), column('item')],
    foreignKeys: [{ columns: ['order'], referencedTable: 'orders', referencedColumns: ['id'], nullReference: NullReference.DROP }],
  };

  it('lets references follow their own source where all sources lie on one connection', async () => {
    const on = (table: string, rank: number, rows: (string | null)[][]) => ({ table, rank, source: 'one folder', segments: [rows] });
    const { rows } = await runRules(bench, planOf([{ ...orders, foreignKeys: [] }, lines]), [
      on('orders', 1, [['1', 'a', null]]),
      on('orders', 2, [['1', 'b', null]]),
      on('lines', 1, [['1', 'pen']]),
      on('lines', 2, [['1', 'ink']]),
    ]);
    expect(rows['orders']).toEqual([
      ['2', 'a', null],
      ['3', 'b', null],
    ]);
    expect(rows['lines']).toEqual([
      ['2', 'pen'],
      ['3', 'ink'],
    ]);
  });

  it('lets references follow by source and old key, also within the table', async () => {
    const { rows, counts } = await runRules(bench, planOf([orders, lines]), [
      source('orders', 1, [
        ['1', 'a', null],
        ['2', 'b', '1'],
      ]),
      source('orders', 2, [
        ['1', 'c', '1'],
        ['7', 'd', '1'],
      ]),
      source('lines', 1, [
        ['1', 'pen'],
        ['2', 'ink'],
        ['7', 'cap'],
      ]),
      source('lines', 2, [
        ['1', 'mug'],
        ['9', 'cup'],
        [null, 'tin'],
      ]),
    ]);
    expect(rows['orders']).toEqual([
      ['3', 'a', null],
      ['2', 'b', '3'],
      ['4', 'c', '4'],
      ['7', 'd', '4'],
    ]);
    // `cap` names an order that only the other source has, and only once there.
    expect(rows['lines']).toEqual([
      ['3', 'pen'],
      ['2', 'ink'],
      ['7', 'cap'],
      ['4', 'mug'],
    ]);
    expect(counts['lines']?.dropped).toEqual([{ rule: 'foreign_key:order', count: 2 }]);
  });

  it('drops a reference that could mean several rows', async () => {
    const plan = planOf([{ ...orders, foreignKeys: [] }, lines]);
    const { rows, counts } = await runRules(bench, plan, [
      source('orders', 1, [
        ['1', 'a', null],
        ['1', 'b', null],
        ['2', 'c', null],
      ]),
      source('orders', 2, [['2', 'd', null]]),
      source('lines', 1, [
        ['1', 'pen'],
        ['2', 'ink'],
      ]),
      source('lines', 3, [['2', 'mug']]),
    ]);
    expect(rows['orders']?.length).toBe(4);
    expect(rows['lines']).toEqual([['5', 'ink']]);
    expect(counts['lines']?.dropped).toEqual([{ rule: 'foreign_key:order', count: 2 }]);
  });

  it('cascades over references that follow', async () => {
    const { rows } = await runRules(bench, planOf([orders, lines]), [
      source('orders', 1, [
        ['1', 'a', '99'],
        ['2', 'b', '1'],
        ['3', 'c', null],
      ]),
      source('lines', 1, [
        ['1', 'pen'],
        ['2', 'ink'],
        ['3', 'cap'],
      ]),
    ]);
    expect(rows['orders']).toEqual([['3', 'c', null]]);
    expect(rows['lines']).toEqual([['3', 'cap']]);
  });

  it('fills the last key column that is free, as text where it is text', async () => {
    const plan = planOf([
      {
        name: 't',
        columns: [column('group'), column('id'), column('value')],
        primaryKey: key(KeyConflict.GENERATE_KEYS, WithinSource.UNSPECIFIED, ['group', 'id']),
      },
      {
        name: 'uses',
        columns: [column('g'), column('i')],
        foreignKeys: [{ columns: ['i', 'g'], referencedTable: 't', referencedColumns: ['id', 'group'], nullReference: NullReference.KEEP }],
      },
    ]);
    const { rows } = await runRules(bench, plan, [
      oneSource('t', [
        ['x', 'p', '1'],
        ['x', 'p', '2'],
        ['y', 'p', '3'],
      ]),
      oneSource('uses', [
        ['y', 'p'],
        ['x', 'p'],
        ['x', 'q'],
        [null, 'p'],
      ]),
    ]);
    expect(rows['t']?.toSorted()).toEqual([
      ['x', '1', '2'],
      ['x', '2', '1'],
      ['y', 'p', '3'],
    ]);
    expect(rows['uses']).toEqual([
      ['y', 'p'],
      [null, 'p'],
    ]);
  });
});
