import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { countClasses, type ClassTable } from './class-table.ts';
import { evaluateNode } from './evaluate.ts';
import { makeDimension, type Dimension } from './hierarchy.ts';
import { makeMetric, type MetricOptions } from './metrics.ts';
import { kAnonymity } from './models/k-anonymity.ts';
import type { PrivacyModel } from './models/model.ts';
import { search } from './search.ts';

/** Halves its values with each level, so that levels are nested. */
const halving = (column: string, leafCount: number, levelCount: number): Dimension => {
  const upper = Array.from({ length: levelCount - 1 }, (_, index) =>
    Int32Array.from({ length: leafCount }, (_, leaf) => (index === levelCount - 2 ? 0 : leaf >> (index + 1))),
  );
  return makeDimension({ column, name: column, leafCount, upperCodes: upper });
};

const allNodes = (dimensions: readonly Dimension[]): number[][] =>
  dimensions.reduce<number[][]>(
    (nodes, { lowest, highest }) =>
      nodes.flatMap((node) => Array.from({ length: highest - lowest + 1 }, (_, offset) => [...node, lowest + offset])),
    [[]],
  );

const round = (score: readonly number[]): number[] => score.map((value) => Number(value.toPrecision(11)));

const compare = (left: readonly number[], right: readonly number[]): number => {
  const place = left.findIndex((value, index) => value !== right[index]);
  return place < 0 ? 0 : (left[place] ?? 0) - (right[place] ?? 0);
};

/** Every node looked at, in the stated order of candidates. */
const bruteForce = (table: ClassTable, dimensions: Dimension[], models: PrivacyModel[], options: MetricOptions, limit: number) => {
  const metric = makeMetric(options, dimensions, table);
  const feasible = allNodes(dimensions)
    .map((node) => ({ node, ...evaluateNode(table, dimensions, { models, metric }, node) }))
    .filter(({ suppressedCount }) => suppressedCount <= Math.floor(limit * table.rowCount + 1e-6))
    .map((entry) => ({
      ...entry,
      rank: [...round(entry.score), entry.suppressedCount, entry.node.reduce((a, b) => a + b, 0), ...entry.node],
    }))
    .toSorted((left, right) => compare(left.rank, right.rank));
  const [best] = feasible;
  return {
    best,
    feasibleCount: feasible.length,
    tieCount: feasible.filter(({ score }) => compare(round(score), round(best?.score ?? [])) === 0).length,
  };
};

const OPTIONS: MetricOptions[] = [
  ...(['geometricMean', 'arithmeticMean', 'sum', 'maximum', 'rank'] as const).map((aggregate): MetricOptions => ({
    kind: 'loss',
    aggregate,
  })),
  ...[0, 0.1, 0.66, 1].map((gsFactor): MetricOptions => ({ kind: 'loss', gsFactor })),
  { kind: 'nonUniformEntropy' },
  { kind: 'nonUniformEntropy', ignoresSuppression: true },
  { kind: 'nonUniformEntropy', aggregate: 'rank' },
  { kind: 'discernibility' },
  { kind: 'discernibility', ignoresSuppression: true },
  { kind: 'averageClassSize' },
  { kind: 'precision' },
  { kind: 'precision', ignoresSuppression: true },
  { kind: 'height' },
];

/** Not hereditary: a large class may violate while its parts do not, as with models of sensitive values. */
const smallClassesOnly: PrivacyModel = {
  name: 'test',
  description: 'test',
  isHereditary: false,
  violates: ({ rowCounts }, index) => rowCounts[index]! % 3 === 0,
};

const rowsOf = fc.array(fc.tuple(fc.nat(7), fc.nat(4), fc.nat(3)), { minLength: 1, maxLength: 60 });

const tableOf = (dimensions: Dimension[], rows: number[][]): ClassTable =>
  countClasses(
    dimensions,
    dimensions.map((_, index) => Int32Array.from(rows, (row) => row[index] ?? 0)),
    rows.length,
  );

describe('the search', () => {
  it('finds what looking at every node finds: node, loss, suppressed rows, ties and the number of feasible nodes', async () => {
    const dimensions = [halving('a', 8, 4), halving('b', 5, 3), halving('c', 4, 3)];
    await fc.assert(
      fc.asyncProperty(
        rowsOf,
        fc.integer({ min: 1, max: 8 }),
        fc.constantFrom(0, 0.1, 0.3, 1),
        fc.constantFrom(...OPTIONS),
        fc.boolean(),
        async (rows, k, limit, options, mixed) => {
          const table = tableOf(dimensions, rows);
          const models = mixed ? [kAnonymity(k), smallClassesOnly] : [kAnonymity(k)];
          const expected = bruteForce(table, dimensions, models, options, limit);
          const metric = makeMetric(options, dimensions, table);
          const found = await search(table, dimensions, { models, metric, suppressionLimit: limit });
          const counted = await search(table, dimensions, { models, metric, suppressionLimit: limit, countFeasible: true });
          expect(found?.node).toEqual(expected.best?.node);
          expect(counted?.node).toEqual(found?.node);
          expect(counted?.feasibleCount ?? 0).toBe(expected.feasibleCount);
          if (found === undefined || expected.best === undefined) return;
          expect(round(found.score)).toEqual(round(expected.best.score));
          expect(found.suppressedCount).toBe(expected.best.suppressedCount);
          expect(found.tieCount).toBe(expected.tieCount);
        },
      ),
      { numRuns: 250 },
    );
  });

  it('finds the least entropy where many rows are suppressed, whose entropy shrinks with every level', async () => {
    const dimensions = [halving('a', 8, 4), halving('b', 5, 3), halving('c', 4, 3)];
    const options: MetricOptions = { kind: 'nonUniformEntropy' };
    await fc.assert(
      fc.asyncProperty(rowsOf, fc.integer({ min: 2, max: 20 }), async (rows, k) => {
        const table = tableOf(dimensions, rows);
        const models = [kAnonymity(k)];
        const expected = bruteForce(table, dimensions, models, options, 1);
        const found = await search(table, dimensions, { models, metric: makeMetric(options, dimensions, table), suppressionLimit: 1 });
        expect(found?.node).toEqual(expected.best?.node);
      }),
      { numRuns: 400 },
    );
  });

  it('keeps a fixed level and finds the best of the others', async () => {
    const dimensions = [halving('a', 8, 4), { ...halving('b', 5, 3), lowest: 1, highest: 1 }];
    await fc.assert(
      fc.asyncProperty(rowsOf, async (rows) => {
        const table = tableOf(dimensions, rows);
        const expected = bruteForce(table, dimensions, [kAnonymity(2)], { kind: 'loss' }, 0.1);
        const found = await search(table, dimensions, {
          models: [kAnonymity(2)],
          metric: makeMetric({ kind: 'loss' }, dimensions, table),
          suppressionLimit: 0.1,
        });
        expect(found?.node).toEqual(expected.best?.node);
      }),
      { numRuns: 60 },
    );
  });

  it('counts a decimal limit as it is written', async () => {
    const dimension = halving('a', 2, 2);
    const rows = Array.from({ length: 100 }, (_, index) => [index < 71 ? 0 : 1]);
    const table = tableOf([dimension], rows);
    const metric = makeMetric({ kind: 'height' }, [dimension], table);
    // .29 × 100 is 28.999… as a double.
    expect((await search(table, [dimension], { models: [kAnonymity(30)], metric, suppressionLimit: 0.29 }))?.node).toEqual([0]);
    expect((await search(table, [dimension], { models: [kAnonymity(30)], metric, suppressionLimit: 0.28 }))?.node).toEqual([1]);
  });

  it('finds nothing where no node holds the models', async () => {
    const dimension = halving('a', 4, 3);
    const table = tableOf([dimension], [[0], [1], [2]]);
    const options = { models: [kAnonymity(4)], metric: makeMetric({ kind: 'loss' }, [dimension], table), suppressionLimit: 0.9 };
    expect(await search(table, [dimension], options)).toBeUndefined();
    expect(await search(table, [], { ...options, metric: makeMetric({ kind: 'loss' }, [], { ...table, codes: [] }) })).toBeUndefined();
  });

  it('lets the event loop turn, tells how far it is, and stops when it is aborted', async () => {
    const dimensions = Array.from({ length: 6 }, (_, index) => halving(`d${index}`, 16, 5));
    let seed = 1;
    const next = (): number => (seed = (seed * 48_271) % 2_147_483_647) % 16;
    const table = tableOf(
      dimensions,
      Array.from({ length: 20_000 }, () => dimensions.map(next)),
    );
    const metric = makeMetric({ kind: 'loss' }, dimensions, table);
    const control = new AbortController();
    const seen: number[] = [];
    let isTurned = false;
    setImmediate(() => {
      isTurned = true;
    });
    const searching = search(table, dimensions, {
      models: [kAnonymity(5)],
      metric,
      suppressionLimit: 1,
      signal: control.signal,
      onProgress: ({ settledNodes, totalNodes }) => {
        expect(totalNodes).toBe(5 ** 6);
        seen.push(settledNodes);
        if (seen.length === 3) control.abort(new Error('enough'));
      },
    });
    await expect(searching).rejects.toThrow('enough');
    expect(isTurned).toBe(true);
    expect(seen).toEqual(seen.toSorted((left, right) => left - right));
  });
});
