// Each strategy of keys and references, once. A strategy without a case does not compile.
import {
  CastPolicy,
  EmptyStrategy,
  ForeignKeyRule,
  KeyConflict,
  NullReference,
  PrimaryKeyRule,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
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

/** What FillFromSources makes of two sources of which the first does not have `city`, by the rule of `city` for empty values. */
const filledBy = async (
  parts: Parameters<typeof column>[2],
): Promise<[rows: (string | null)[][] | undefined, merged: number | undefined]> => {
  const columns = [column('id', BaseType.INTEGER), column('city', BaseType.STRING, parts), column('v')];
  const primaryKey = PrimaryKeyRule.fromPartial({ columns: ['id'], conflict: KeyConflict.FILL });
  const first = [
    ['1', 'x'],
    ['9', 'y'],
    ['5', null],
    ['5', 'z'],
  ];
  const second = [
    ['1', 'Oslo', 'a'],
    ['2', 'Rome', 'b'],
    ['5', 'Riga', 'q'],
  ];
  const { rows, counts } = await runRules(bench, planOf([{ name: 't', columns, primaryKey }]), [
    { table: 't', rank: 1, source: 'one', sourceColumns: ['id', 'v'], segments: [first] },
    { table: 't', rank: 2, source: 'two', segments: [second] },
  ]);
  return [rows['t'], counts['t']?.mergedCount];
};

it.each<[string, Parameters<typeof column>[2], (string | null)[]]>([
  ['Ignore', {}, ['9', null, 'y']],
  ['ReplaceWith', { empty: { strategy: EmptyStrategy.REPLACE_WITH, replacement: 'none' } }, ['9', 'none', 'y']],
  ['DropRecord', { empty: { strategy: EmptyStrategy.DROP_RECORD } }, []],
])('under %s, FillFromSources fills from the values of all sources before an empty one is looked at', async (_, parts, ofNine) => {
  const [rows, mergedCount] = await filledBy(parts);
  const expected = [['1', 'Oslo', 'x'], ...(ofNine.length > 0 ? [ofNine] : []), ['5', 'Riga', 'z'], ['2', 'Rome', 'b']];
  // The rows of the first source come first.
  expect(rows).toEqual(expected);
  expect(mergedCount).toBe(3);
});

it('FillFromSources takes the first value that can be read where one that cannot would be NULL, and fails on any where the rule is Fail', async () => {
  const run = (policy: CastPolicy) =>
    runRules(
      bench,
      planOf([
        {
          name: 't',
          columns: [column('id', BaseType.INTEGER), column('n', BaseType.INTEGER, { cast: { policy } })],
          primaryKey: PrimaryKeyRule.fromPartial({ columns: ['id'], conflict: KeyConflict.FILL }),
        },
      ]),
      [
        { table: 't', rank: 1, source: 'one', segments: [[['1', 'x']]] },
        { table: 't', rank: 2, source: 'two', segments: [[['1', '7']]] },
      ],
    );
  expect((await run(CastPolicy.NULL)).rows['t']).toEqual([['1', '7']]);
  await expect(run(CastPolicy.FAIL)).rejects.toMatchObject({ reason: 'CAST_FAILED' });
});
