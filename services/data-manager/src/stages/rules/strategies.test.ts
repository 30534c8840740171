// Each strategy of each rule for values, once. A strategy or a rule without a case does not compile.
import { CastPolicy, EmptyStrategy, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Normalization, Role, Table, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { mayBeEmpty } from '@lethe/module/check-column';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RunError } from '../../domain/run-error.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteLiteral } from '../../plan/identifiers.ts';
import { literalChecks } from '../../plan/literals.ts';
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
const nullMarkers = ['?'];
const OTHERS: ColumnParts[] = [[], nullMarkers].flatMap((markers) => [
  { empty: { nullMarkers: markers, strategy: EmptyStrategy.IGNORE } },
  { empty: { nullMarkers: markers, strategy: EmptyStrategy.DROP_RECORD } },
  { empty: { nullMarkers: markers, strategy: EmptyStrategy.REPLACE_WITH, replacement: '7' } },
]);

const ofText = { type: { base: BaseType.STRING } };
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
  const cells = new Map((made.rows['t'] ?? []).map(([person, value]) => [person, value ?? null]));
  return { cells, kept: [...cells.values()], counts: made.counts['t'] };
};

/** The cells of `value` by person as texts, as they are before the rules change them. */
const asRead = async (table: Table, rows: string[][]) => {
  const [, { type, trim, normalize, emptyIsNull, empty } = column('value')] = table.columns;
  const marked = { nullMarkers: empty?.nullMarkers ?? [], strategy: EmptyStrategy.IGNORE };
  const reading = { trim, normalize, emptyIsNull: emptyIsNull || type?.base !== BaseType.STRING };
  return (await run({ ...ofText, ...reading, empty: marked }, rows)).cells;
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

/** A rule that the check refuses keeps nothing; any other failure is the test's. */
const refusedOnly = (error: unknown): string[] => {
  if (error instanceof RunError && error.reason === 'PLAN_INVALID') return [];
  throw error;
};

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

describe.each(Object.entries(RULES))('%s', (member, cases) => {
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

  it.each(cases)(
    '%s has each cell that it changed counted once, and what it wrote there checked',
    async (__, { rule, rows, kept: all }) => {
      const table = tableOf(rule);
      const given = [...(rows ?? (all === 'the run fails' ? READABLE : ROWS)), ['104', '', '4']];
      const { cells, counts } = await run(rule, given);
      const before = await asRead(table, given);
      const changed = [...cells].filter(([person, value]) => before.get(person) !== value);
      const counted = [...(counts?.replaced ?? []), ...(counts?.castFailed ?? []), ...(counts?.clamped ?? [])];
      expect(total(counted.filter((count) => count.rule === `${member}:value`))).toBe(changed.length);
      expect(total(counted)).toBe(changed.length);
      const checks = literalChecks([table], DUCKDB).filter((check) => check.rule === `${member}:value`);
      for (const [person, value] of changed) {
        const ofRow = given.find(([name]) => name === person) ?? [];
        const isWritten = value !== null && !ofRow.includes(value);
        if (isWritten) expect([value, checks.some(({ sql }) => sql.includes(quoteLiteral(value)))]).toEqual([value, true]);
      }
    },
  );

  // The rows have an unreadable value, or none where that fails the run, and NULL beside it in the column that a rule may name.
  it.each(cases)('%s leaves NULL where the check of a module says so, and nowhere else', async (__, { rule, rows, kept: all }) => {
    const filled = { empty: { strategy: EmptyStrategy.DROP_RECORD }, ...rule };
    for (const other of OTHERS) {
      const [, value] = tableOf(filled, other).columns;
      const nothing = other.empty?.nullMarkers?.[0] ?? '';
      const { kept } = await run(filled, rows ?? (all === 'the run fails' ? READABLE : [...ROWS, ['104', '?', nothing]]), other);
      expect([other, kept.includes(null)]).toEqual([other, value && mayBeEmpty(tableOf(filled, other), value)]);
    }
  });

  // With every column that the rule names, and with the identifying one in its place: what is not refused must not leak.
  it.each(cases)('%s puts no value of an identifying column into another', async (__, expected) => {
    const rows = expected.rows ?? (expected.kept === 'the run fails' ? READABLE : ROWS);
    for (const rule of [expected.rule, namingPerson(expected.rule)]) {
      const kept = await run(rule, rows).then((made) => made.kept, refusedOnly);
      expect(kept.filter((value) => rows.some(([person]) => person === value))).toEqual([]);
    }
  });
});
