import { EmptyStrategy, KeyConflict, NullReference, RangeStrategy, WithinSource } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import * as fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column, openBench, planOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';
import type { TableCounts } from '../stage-manifest.ts';
import type { SourceRows } from '../extract/write-extract.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});

afterAll(() => bench.close());

const RUNS = { numRuns: 25 };

/** Few values, so that keys meet. */
const id = fc.constantFrom(null, '1', '2', '3', '4', '5');
const value = fc.constantFrom('a', 'b', '?', '-7', '3', null);

/** Rows (id, up, value) of three sources, each in up to two segments. */
const sourcesOf = (table: string): fc.Arbitrary<SourceRows[]> =>
  fc
    .array(fc.array(fc.array(fc.tuple(id, id, value), { maxLength: 6 }), { maxLength: 2 }), { minLength: 1, maxLength: 3 })
    .map((sources) => sources.map((segments, index) => ({ table, rank: index + 1, source: `s${index + 1}`, segments })));

/** Generated keys have a property of their own. */
const CONFLICTS: [KeyConflict, WithinSource][] = [
  [KeyConflict.SOURCE_PRIORITY, WithinSource.FIRST],
  [KeyConflict.SOURCE_PRIORITY, WithinSource.LAST],
  [KeyConflict.SOURCE_PRIORITY, WithinSource.DROP],
  [KeyConflict.DROP_ALL_CONFLICTING, WithinSource.UNSPECIFIED],
];

type Rules = { conflict: KeyConflict; within: WithinSource; nullReference: NullReference };

const rules: fc.Arbitrary<Rules> = fc
  .record({
    conflict: fc.constantFrom(...CONFLICTS),
    nullReference: fc.constantFrom(NullReference.KEEP, NullReference.DROP),
  })
  .map(({ conflict: [conflict, within], nullReference }) => ({ conflict, within, nullReference }));

/** Two tables that refer to each other and to themselves, with a rule that drops by value. */
const planFor = (own: Rules, other: Rules) => {
  const table = (name: string, target: string, rule: Rules) => ({
    name,
    columns: [
      column('id', BaseType.INTEGER),
      column('up', BaseType.INTEGER),
      column('value', BaseType.STRING, { empty: { nullMarkers: ['?'], strategy: EmptyStrategy.DROP_RECORD } }),
    ],
    primaryKey: { columns: ['id'], conflict: rule.conflict, withinSource: rule.within },
    foreignKeys: [{ columns: ['up'], referencedTable: target, referencedColumns: ['id'], nullReference: rule.nullReference }],
  });
  return planOf([table('left', 'right', own), table('right', 'left', other)]);
};

const total = (counts: TableCounts): { read: number; gone: number } => ({
  read: counts.read.reduce((sum, source) => sum + source.rowCount, 0),
  gone: counts.dropped.reduce((sum, rule) => sum + rule.count, 0) + counts.mergedCount,
});

type ModelRow = { rank: number; place: number; id: string | null; up: string | null; value: string | null };
type Model = { alive: ModelRow[]; dropped: Map<string, number>; merged: number };

const flatten = (sources: SourceRows[]): ModelRow[] =>
  sources.flatMap((source) =>
    source.segments
      .flat()
      .map(([rowId = null, up = null, text = null], place) => ({ rank: source.rank, place, id: rowId, up, value: text })),
  );

const count = (model: Model, rule: string, rows: readonly ModelRow[]): void => {
  if (rows.length > 0) model.dropped.set(rule, (model.dropped.get(rule) ?? 0) + rows.length);
  model.alive = model.alive.filter((row) => !rows.includes(row));
};

/** The row of a key that stays, row by row, as a person would do it. */
const winnerOf = (rows: ModelRow[], rule: Rules): ModelRow | undefined => {
  if (rule.conflict === KeyConflict.DROP_ALL_CONFLICTING) return rows.length === 1 ? rows[0] : undefined;
  for (const rank of [1, 2, 3]) {
    const own = rows.filter((row) => row.rank === rank);
    if (own.length === 1 || (own.length > 1 && rule.within !== WithinSource.DROP))
      return rule.within === WithinSource.LAST ? own.at(-1) : own[0];
  }
  return undefined;
};

/** An interpreter of the key rules that has nothing of the SQL: loops over rows. */
const interpret = (sources: SourceRows[], rule: Rules): Model => {
  const model: Model = { alive: flatten(sources), dropped: new Map(), merged: 0 };
  count(
    model,
    'empty:value',
    model.alive.filter((row) => row.value === null || row.value === '?'),
  );
  count(
    model,
    'primary_key',
    model.alive.filter((row) => row.id === null),
  );
  for (const key of new Set(model.alive.map((row) => row.id))) {
    const rows = model.alive.filter((row) => row.id === key);
    const winner = winnerOf(rows, rule);
    const tied = (row: ModelRow): boolean =>
      rule.within === WithinSource.DROP && rows.filter((other) => other.rank === row.rank).length > 1;
    const losers = rows.filter((row) => row !== winner);
    const merged = winner === undefined ? [] : losers.filter((row) => !tied(row));
    model.merged += merged.length;
    model.alive = model.alive.filter((row) => !merged.includes(row));
    count(
      model,
      'primary_key',
      losers.filter((row) => !merged.includes(row)),
    );
  }
  return model;
};

const interpretReferences = (left: Model, right: Model, own: Rules, other: Rules): void => {
  const orphans = (model: Model, target: Model, rule: Rules): ModelRow[] =>
    model.alive.filter((row) =>
      row.up === null ? rule.nullReference === NullReference.DROP : !target.alive.some((parent) => parent.id === row.up),
    );
  for (;;) {
    const [lost, gone] = [orphans(left, right, own), orphans(right, left, other)];
    if (lost.length + gone.length === 0) return;
    count(left, 'foreign_key:up', lost);
    count(right, 'foreign_key:up', gone);
  }
};

const texts = (model: Model): (string | null)[][] => model.alive.map((row) => [row.id, row.up, row.value]);

const droppedOf = (counts: TableCounts | undefined): [string, number][] =>
  (counts?.dropped ?? []).map((entry): [string, number] => [entry.rule, entry.count]);

const sortedPairs = (pairs: Iterable<[string, number]>): [string, number][] => [...pairs].toSorted(([one], [two]) => (one < two ? -1 : 1));

const sortRows = (rows: (string | null)[][] | undefined): string[] => (rows ?? []).map((row) => JSON.stringify(row)).toSorted();

describe('for any tables', () => {
  it('rows are conserved, and no reference is left without its target', async () => {
    await fc.assert(
      fc.asyncProperty(rules, rules, sourcesOf('left'), sourcesOf('right'), async (own, other, left, right) => {
        const { rows, counts } = await runRules(bench, planFor(own, other), [...left, ...right]);
        for (const [table, target] of [
          ['left', 'right'],
          ['right', 'left'],
        ] as const) {
          const report = counts[table];
          if (report === undefined) throw new Error('no report');
          const { read, gone } = total(report);
          expect(read - gone).toBe(rows[table]?.length);
          const targets = new Set(rows[target]?.map((row) => row[0]));
          expect(rows[table]?.filter((row) => row[1] !== null && !targets.has(row[1] ?? ''))).toEqual([]);
          expect(new Set(rows[table]?.map((row) => row[0])).size).toBe(rows[table]?.length);
        }
      }),
      RUNS,
    );
  }, 120_000);

  it('the statements keep, drop and merge what an interpreter over rows does', async () => {
    await fc.assert(
      fc.asyncProperty(rules, rules, sourcesOf('left'), sourcesOf('right'), async (own, other, leftRows, rightRows) => {
        const run = await runRules(bench, planFor(own, other), [...leftRows, ...rightRows]);
        const [left, right] = [interpret(leftRows, own), interpret(rightRows, other)];
        interpretReferences(left, right, own, other);
        expect(run.rows['left']).toEqual(texts(left));
        expect(run.rows['right']).toEqual(texts(right));
        expect(sortedPairs(droppedOf(run.counts['left']).filter(([, n]) => n > 0))).toEqual(sortedPairs(left.dropped));
        expect(sortedPairs(droppedOf(run.counts['right']).filter(([, n]) => n > 0))).toEqual(sortedPairs(right.dropped));
        expect(run.counts['left']?.mergedCount).toBe(left.merged);
      }),
      RUNS,
    );
  }, 120_000);

  it('only shared keys are generated anew, and each reference leads to the row of its own source that had the old key', async () => {
    await fc.assert(
      fc.asyncProperty(sourcesOf('right'), sourcesOf('left'), async (parents, children) => {
        const plan = planOf([
          {
            name: 'right',
            columns: [column('id', BaseType.INTEGER), column('up'), column('value')],
            primaryKey: { columns: ['id'], conflict: KeyConflict.GENERATE_KEYS },
          },
          {
            name: 'left',
            columns: [column('id'), column('up', BaseType.INTEGER), column('value')],
            foreignKeys: [{ columns: ['up'], referencedTable: 'right', referencedColumns: ['id'], nullReference: NullReference.KEEP }],
          },
        ]);
        const { rows } = await runRules(bench, plan, [...parents, ...children]);
        const old = flatten(parents).filter((row) => row.id !== null);
        const keys = rows['right']?.map((row) => row[0] ?? '') ?? [];
        expect(keys.length).toBe(old.length);
        expect(new Set(keys).size).toBe(keys.length);
        const known = new Set(old.map((row) => row.id));
        old.forEach((row, index) => {
          const isShared = old.some((other) => other !== row && other.id === row.id);
          if (isShared) expect(known).not.toContain(keys[index]);
          else expect(keys[index]).toBe(row.id);
        });
        const expected = flatten(children).flatMap((row) => {
          if (row.up === null) return [[row.id, null, row.value]];
          const all = old.filter((parent) => parent.id === row.up);
          const own = all.filter((parent) => parent.rank === row.rank);
          const chosen = own.length === 1 ? own[0] : own.length === 0 && all.length === 1 ? all[0] : undefined;
          return chosen === undefined ? [] : [[row.id, keys[old.indexOf(chosen)], row.value]];
        });
        expect(rows['left']).toEqual(expected);
      }),
      RUNS,
    );
  }, 120_000);

  it('the order of rows does not matter where no rule depends on it', async () => {
    const independent = fc.constantFrom<Rules>(
      { conflict: KeyConflict.DROP_ALL_CONFLICTING, within: WithinSource.UNSPECIFIED, nullReference: NullReference.KEEP },
      { conflict: KeyConflict.SOURCE_PRIORITY, within: WithinSource.DROP, nullReference: NullReference.DROP },
    );
    await fc.assert(
      fc.asyncProperty(
        independent,
        sourcesOf('left'),
        sourcesOf('right'),
        fc.infiniteStream(fc.nat()),
        async (rule, left, right, stream) => {
          const shuffled = (sources: SourceRows[]): SourceRows[] =>
            sources.map((source) => {
              const keyed = source.segments.flat().map((row) => ({ row, weight: stream.next().value ?? 0 }));
              return { ...source, segments: [keyed.toSorted((one, two) => one.weight - two.weight).map((entry) => entry.row)] };
            });
          const plan = planFor(rule, rule);
          const before = await runRules(bench, plan, [...left, ...right]);
          const after = await runRules(bench, plan, [...shuffled(left), ...shuffled(right)]);
          for (const table of ['left', 'right']) expect(sortRows(after.rows[table])).toEqual(sortRows(before.rows[table]));
          expect(droppedOf(after.counts['left'])).toEqual(droppedOf(before.counts['left']));
        },
      ),
      RUNS,
    );
  }, 120_000);

  it('a clamped number is within its bounds, and a dropped one was not', async () => {
    const number = fc.bigInt({ min: -50n, max: 50n });
    await fc.assert(
      fc.asyncProperty(
        fc.array(number, { maxLength: 20 }),
        number,
        fc.bigInt({ min: 2n, max: 30n }),
        fc.boolean(),
        async (numbers, low, width, exclusive) => {
          const high = low + width;
          const bounds = exclusive
            ? { minExclusive: String(low), maxExclusive: String(high) }
            : { minimum: String(low), maximum: String(high) };
          const [lowest, highest] = exclusive ? [low + 1n, high - 1n] : [low, high];
          const kept = async (strategy: RangeStrategy) => {
            const plan = planOf([{ name: 't', columns: [column('n', BaseType.INTEGER, { range: { ...bounds, strategy } })] }]);
            const run = await runRules(bench, plan, [
              { table: 't', rank: 1, source: 's', segments: [numbers.map((entry) => [String(entry)])] },
            ]);
            return run.rows['t']?.map((row) => row[0]);
          };
          const clamp = (entry: bigint): bigint => (entry < lowest ? lowest : entry > highest ? highest : entry);
          expect(await kept(RangeStrategy.CLAMP)).toEqual(numbers.map((entry) => String(clamp(entry))));
          expect(await kept(RangeStrategy.DROP_RECORD)).toEqual(numbers.filter((entry) => clamp(entry) === entry).map(String));
        },
      ),
      { numRuns: 20 },
    );
  }, 120_000);
});
