import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StageFolder } from '../folders.ts';
import { emptyCounts, writeManifest, type TableCounts } from '../stages/stage-manifest.ts';
import type { StoredTable } from '../stages/store/store.ts';
import { collectReports } from './report.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'report-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const write = async (stage: StageFolder, reports: TableCounts[]): Promise<void> => {
  await mkdir(join(directory, stage));
  await writeManifest(join(directory, stage), { stage, planHash: '', inputHash: '', tables: [], reports });
};

// One of each kind, so that a kind that is lost shows.
const counted = (count: number): TableCounts => ({
  table: 'people',
  read: [{ rank: count, source: `source ${count}`, sourceName: `name ${count}`, rowCount: count, sizeBytes: count }],
  replaced: [{ rule: 'shared', count }],
  clamped: [{ rule: 'shared', count }],
  dropped: [{ rule: 'shared', count }],
  castFailed: [{ rule: 'shared', count }],
  mergedCount: count,
  fellBackCount: count,
  suppressedCount: count,
  storedCount: count,
  transformed: [{ scriptId: `script ${count}`, rank: count, inCount: count, outCount: count, addedCount: count, removedCount: count }],
});

const plan = EffectivePlan.fromPartial({ tables: [{ name: 'people' }, { name: 'codes' }], results: [{ name: 'people' }] });
const storedPeople = { table: 'people', rowCount: 7 } as StoredTable;

describe('the report of a run', () => {
  it('adds what anonymization counted to what the stages before it counted, kind by kind and rule by rule', async () => {
    await write('rules', [emptyCounts('people')]);
    await write('transform', [counted(1)]);
    await write('anonymize', [counted(10)]);
    const [people] = await collectReports(directory, plan, [storedPeople]);
    const sum = [{ rule: 'shared', count: 11n }];
    expect(people).toMatchObject({
      replaced: sum,
      clamped: sum,
      dropped: sum,
      castFailed: sum,
      mergedCount: 11n,
      fellBackCount: 11n,
      suppressedCount: 11n,
    });
    expect(people?.read.map(({ rowCount }) => rowCount)).toEqual([1n, 10n]);
    expect(people?.transformed.map(({ inCount }) => inCount)).toEqual([1n, 10n]);
  });

  it('says of a table that is not stored how many rows the scripts left', async () => {
    await write('rules', [{ ...emptyCounts('codes'), storedCount: 5 }]);
    await write('transform', [{ ...emptyCounts('codes'), storedCount: 3 }]);
    await write('anonymize', []);
    expect((await collectReports(directory, plan, [])).map(({ table, storedCount }) => [table, storedCount])).toEqual([['codes', 3n]]);
  });

  it('says of a stored table how many rows are stored, and has the tables in the order of the plan', async () => {
    await write('rules', []);
    await write('transform', [emptyCounts('codes'), emptyCounts('people')]);
    await write('anonymize', [{ ...emptyCounts('people'), storedCount: 8 }]);
    const reports = await collectReports(directory, plan, [storedPeople]);
    expect(reports.map(({ table, storedCount }) => [table, storedCount])).toEqual([
      ['people', 7n],
      ['codes', 0n],
    ]);
  });
});
