import { performance } from 'node:perf_hooks';
import { describe, expect, test } from 'vitest';
import { makeDimension } from '../../privacy/hierarchy.ts';
import { findLevels } from './find-levels.ts';
import { searchLevels, type LevelJob } from './level-search.ts';

const LEAVES = 32;

/** A number that tells nothing of its neighbours. */
const digits = (row: number, column: number): number => {
  const mixed = Math.imul((row + 1) ^ Math.imul(column + 1, 0x9e3779b1), 0x85ebca6b);
  return ((mixed ^ (mixed >>> 13)) * 0x4cf5ad43) >>> 24;
};

/** Classes that many levels must be looked at for: columns of 32 leaves under five levels, with values that tell little of each other. */
const jobOf = (columnCount: number, classCount: number, k: number): LevelJob => ({
  codes: Array.from({ length: columnCount }, (_, column) =>
    Int32Array.from({ length: classCount }, (_unused, row) => digits(row, column) % LEAVES),
  ),
  counts: new Int32Array(classCount).fill(1),
  dimensions: Array.from({ length: columnCount }, (_, column) =>
    makeDimension({
      column: `c${column}`,
      name: `c${column}`,
      leafCount: LEAVES,
      upperCodes: [2, 4, 8, 16, 32].map((width) => Int32Array.from({ length: LEAVES }, (_unused, leaf) => Math.floor(leaf / width))),
    }),
  ),
  ks: [k],
  metric: { kind: 'discernibility', ignoresSuppression: true },
  allowedRows: Math.floor(classCount / 50),
});

const options = (signal: AbortSignal) => ({ table: 'people', signal, onProgress: () => undefined });

describe('the search for levels', () => {
  test('is the one of this process: the same levels, loss, ties and suppressed classes', async () => {
    const job = jobOf(4, 2_000, 5);
    expect(await findLevels(job, options(new AbortController().signal))).toEqual(await searchLevels(job, () => undefined));
  });

  test('leaves the event loop to others for as long as it takes', async () => {
    const job = jobOf(6, 20_000, 20);
    const before = performance.eventLoopUtilization();
    const startMs = performance.now();
    await findLevels(job, options(new AbortController().signal));
    expect(performance.now() - startMs).toBeGreaterThan(1_000);
    expect(performance.eventLoopUtilization(before).utilization).toBeLessThan(0.3);
  });

  test('ends at once with its run', async () => {
    const control = new AbortController();
    const searching = findLevels(jobOf(8, 50_000, 50), options(control.signal));
    const startMs = performance.now();
    setTimeout(() => control.abort(new Error('stopped')), 300);
    await expect(searching).rejects.toThrow('stopped');
    expect(performance.now() - startMs).toBeLessThan(3_000);
  });
});
