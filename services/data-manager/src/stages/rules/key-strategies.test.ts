// Each strategy of keys and references, once. A strategy without a case does not compile.
import { ForeignKeyRule, KeyConflict, NullReference, PrimaryKeyRule, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { column, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';

/** The rows that stay of two sources, key and origin each. */
type Cases<S extends number> = Record<Exclude<S, 0>, string[]>;

const CONFLICTS: Cases<KeyConflict> = {
  [KeyConflict.SOURCE_PRIORITY]: ['1 first', '2 first', '3 second'],
  [KeyConflict.DROP_ALL_CONFLICTING]: ['3 second'],
  [KeyConflict.GENERATE_KEYS]: ['4 first', '7 first', '6 first again', '5 second', '3 second'],
  [KeyConflict.FILL]: ['1 first', '2 first', '3 second'],
};

const WITHIN: Cases<WithinSource> = {
  [WithinSource.FIRST]: ['1 first', '2 first', '3 second'],
  [WithinSource.LAST]: ['1 first', '2 first again', '3 second'],
  [WithinSource.DROP]: ['1 first', '3 second'],
};

const NULLS: Cases<NullReference> = {
  [NullReference.KEEP]: ['1 first', '2 first', '3 second'],
  [NullReference.DROP]: ['1 first', '2 first'],
};

const SOURCES = [
  {
    table: 't',
    rank: 1,
    source: 'one',
    segments: [
      [
        ['1', 'first', '1'],
        ['2', 'first', '2'],
        ['2', 'first again', '2'],
      ],
    ],
  },
  {
    table: 't',
    rank: 2,
    source: 'two',
    segments: [
      [
        ['1', 'second', '1'],
        ['3', 'second', null],
      ],
    ],
  },
];

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const run = async (conflict: KeyConflict, withinSource: WithinSource, nullReference?: NullReference): Promise<string[]> => {
  const reference = ForeignKeyRule.fromPartial({
    columns: ['parent'],
    referencedTable: 't',
    referencedColumns: ['id'],
    nullReference: nullReference ?? 0,
  });
  const table = {
    name: 't',
    columns: [column('id', BaseType.INTEGER), column('origin'), column('parent', BaseType.INTEGER)],
    primaryKey: PrimaryKeyRule.fromPartial({ columns: ['id'], conflict, withinSource }),
    foreignKeys: nullReference === undefined ? [] : [reference],
  };
  const { rows } = await runRules(bench, planOf([table]), SOURCES);
  return (rows['t'] ?? []).map(([id, origin]) => `${id ?? ''} ${origin ?? ''}`);
};

it('takes a column from the sources that have it, and NULL from the others', async () => {
  const table = {
    name: 't',
    columns: [column('id', BaseType.INTEGER), column('name'), column('city')],
    primaryKey: PrimaryKeyRule.fromPartial({ columns: ['id'], conflict: KeyConflict.FILL }),
  };
  const { rows } = await runRules(bench, planOf([table]), [
    {
      table: 't',
      rank: 1,
      source: 'one',
      sourceColumns: ['city', 'id'],
      segments: [
        [
          ['1', 'Oslo'],
          ['2', null],
        ],
      ],
    },
    {
      table: 't',
      rank: 2,
      source: 'two',
      sourceColumns: ['id', 'name'],
      segments: [
        [
          ['1', 'Ann'],
          ['3', 'Bo'],
        ],
      ],
    },
  ]);
  expect(rows['t']).toEqual([
    ['1', 'Ann', 'Oslo'],
    ['2', null, null],
    ['3', 'Bo', null],
  ]);
});

const named = <S extends number>(names: Record<string, S>, cases: Partial<Record<number, string[]>>): [string, S, string[]][] =>
  Object.entries(names).flatMap(([name, value]) => {
    const kept = cases[value];
    return kept === undefined ? [] : [[name, value, kept]];
  });

it.each(named(KeyConflict, CONFLICTS))('KeyConflict %s keeps what it says', async (_, conflict, kept) => {
  expect(await run(conflict, WithinSource.FIRST)).toEqual(kept);
});

it.each(named(WithinSource, WITHIN))('WithinSource %s keeps what it says', async (_, withinSource, kept) => {
  expect(await run(KeyConflict.SOURCE_PRIORITY, withinSource)).toEqual(kept);
});

it.each(named(NullReference, NULLS))('NullReference %s keeps what it says', async (_, nullReference, kept) => {
  expect(await run(KeyConflict.SOURCE_PRIORITY, WithinSource.FIRST, nullReference)).toEqual(kept);
});
