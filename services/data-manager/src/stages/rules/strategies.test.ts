// Each strategy of each rule for values, once. A strategy or a rule without a case does not compile.
import { CastPolicy, EmptyStrategy, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Normalization, Role, Table, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { mayBeEmpty } from '@lethe/module/check-column';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column, oneSource, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';

type ColumnParts = Omit<NonNullable<Parameters<typeof column>[2]>, 'name' | 'type'>;

/** The rule of column `value`, what its cells are then, and how many cells or records were counted. */
type Case = {
  rule: ColumnParts;
  rows?: string[][];
  kept: (string | null)[] | 'the run fails';
  dropped?: number;
  replaced?: number;
  castFailed?: number;
  clamped?: number;
};
type Cases<S extends number> = Record<Exclude<S, 0>, Case>;

const ROWS = [
  ['101', '20', '1'],
  ['102', '?', '2'],
  ['103', '99', '3'],
];

const READABLE = ROWS.filter(([, value]) => value !== '?');

/** What a column that a rule may name does with its own empty values. */
const OTHERS: ColumnParts[] = [
  { empty: { strategy: EmptyStrategy.IGNORE } },
  { empty: { strategy: EmptyStrategy.DROP_RECORD } },
  { empty: { strategy: EmptyStrategy.REPLACE_WITH, replacement: '7' } },
];

const ofText = { type: { base: BaseType.STRING } };
const nullMarkers = ['?'];
const EMPTY: Cases<EmptyStrategy> = {
  [EmptyStrategy.IGNORE]: { rule: { empty: { nullMarkers, strategy: EmptyStrategy.IGNORE } }, kept: ['20', null, '99'] },
  [EmptyStrategy.REPLACE_WITH]: {
    rule: { empty: { nullMarkers, strategy: EmptyStrategy.REPLACE_WITH, replacement: '30' } },
    kept: ['20', '30', '99'],
    replaced: 1,
  },
  [EmptyStrategy.DROP_RECORD]: { rule: { empty: { nullMarkers, strategy: EmptyStrategy.DROP_RECORD } }, kept: ['20', '99'], dropped: 1 },
};

const CAST: Cases<CastPolicy> = {
  [CastPolicy.FAIL]: { rule: { cast: { policy: CastPolicy.FAIL } }, kept: 'the run fails' },
  [CastPolicy.DROP_RECORD]: { rule: { cast: { policy: CastPolicy.DROP_RECORD } }, kept: ['20', '99'], dropped: 1 },
  [CastPolicy.NULL]: { rule: { cast: { policy: CastPolicy.NULL } }, kept: ['20', null, '99'], castFailed: 1 },
  [CastPolicy.REPLACE_WITH]: {
    rule: { cast: { policy: CastPolicy.REPLACE_WITH, replacement: '30' } },
    kept: ['20', '30', '99'],
    castFailed: 1,
  },
};

const ignored = { empty: { nullMarkers, strategy: EmptyStrategy.IGNORE } };
const RANGE: Cases<RangeStrategy> = {
  [RangeStrategy.DROP_RECORD]: {
    rule: { ...ignored, range: { maximum: '85', strategy: RangeStrategy.DROP_RECORD } },
    kept: ['20', null],
    dropped: 1,
  },
  [RangeStrategy.CLAMP]: {
    rule: { ...ignored, range: { maximum: '85', strategy: RangeStrategy.CLAMP } },
    kept: ['20', null, '85'],
    clamped: 1,
  },
};

let bench: Bench;
beforeAll(async () => {
  bench = await openBench();
});
afterAll(() => bench.close());

const tableOf = (rule: ColumnParts, other: ColumnParts = {}): Table =>
  Table.fromPartial({
    name: 't',
    columns: [
      column('person', BaseType.INTEGER, { role: Role.IDENTIFYING }),
      column('value', BaseType.INTEGER, rule),
      column('other', BaseType.INTEGER, other),
    ],
  });

const run = async (rule: ColumnParts, rows: string[][] = ROWS, other: ColumnParts = {}) => {
  const made = await runRules(bench, planOf([tableOf(rule, other)]), [oneSource('t', rows)]);
  return { kept: (made.rows['t'] ?? []).map(([, value]) => value ?? null), counts: made.counts['t'] };
};

const total = (counts: readonly { count: number }[] = []): number => counts.reduce((sum, { count }) => sum + count, 0);

const named = (names: Record<string, number>, cases: Partial<Record<number, Case>>): [string, Case][] =>
  Object.entries(names).flatMap(([name, value]) => {
    const found = cases[value];
    return found === undefined ? [] : [[name, found]];
  });

/** A rule in which every name of a column is that of the identifying one. */
const namingPerson = <T>(rule: T): T =>
  JSON.parse(JSON.stringify(rule), (_key, value: unknown) => (value === 'other' || value === 'value' ? 'person' : value)) as T;

/** The members of a column that say what happens to its values. */
const RULES: Record<
  Exclude<keyof Column, 'name' | 'description' | 'type' | 'role' | 'generalization'>,
  [strategy: string, expected: Case][]
> = {
  normalize: [['NFC', { rule: { ...ofText, normalize: Normalization.NFC }, rows: [['101', 'e\u0301', '1']], kept: ['\u00e9'] }]],
  emptyIsNull: [
    ['true', { rule: { ...ofText, emptyIsNull: true, empty: { strategy: EmptyStrategy.IGNORE } }, rows: [['101', '', '1']], kept: [null] }],
  ],
  trim: [['true', { rule: { trim: true }, rows: [['101', ' 20 ', '1']], kept: ['20'] }]],
  empty: named(EmptyStrategy, EMPTY),
  cast: named(CastPolicy, CAST),
  range: named(RangeStrategy, RANGE),
};

describe.each(Object.entries(RULES))('%s', (_, cases) => {
  it.each(cases)('%s keeps, drops and counts what it says', async (__, expected) => {
    if (expected.kept === 'the run fails') return expect(run(expected.rule, expected.rows)).rejects.toThrow('value');
    const { kept, counts } = await run(expected.rule, expected.rows);
    expect(kept).toEqual(expected.kept);
    const { dropped = 0, replaced = 0, castFailed = 0, clamped = 0 } = expected;
    expect([counts?.dropped, counts?.replaced, counts?.castFailed, counts?.clamped].map(total)).toEqual([
      dropped,
      replaced,
      castFailed,
      clamped,
    ]);
  });

  // The rows have an unreadable value, or none where that fails the run, and NULL beside it in the column that a rule may name.
  it.each(cases)('%s leaves NULL where the check of a module says so, and nowhere else', async (__, { rule, rows, kept: all }) => {
    const filled = { empty: { strategy: EmptyStrategy.DROP_RECORD }, ...rule };
    for (const other of OTHERS) {
      const [, value] = tableOf(filled, other).columns;
      const { kept } = await run(filled, rows ?? (all === 'the run fails' ? READABLE : [...ROWS, ['104', '?', '']]), other);
      expect([other, kept.includes(null)]).toEqual([other, value && mayBeEmpty(tableOf(filled, other), value)]);
    }
  });

  // With every column that the rule names, and with the identifying one in its place: what is not refused must not leak.
  it.each(cases)('%s puts no value of an identifying column into another', async (__, expected) => {
    for (const rule of [expected.rule, namingPerson(expected.rule)]) {
      const { kept } = await run(rule, expected.rows).catch(() => ({ kept: [] }));
      expect(kept.filter((value) => (expected.rows ?? ROWS).some(([person]) => person === value))).toEqual([]);
    }
  });
});
