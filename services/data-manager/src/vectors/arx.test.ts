import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeMetric } from '../privacy/metrics.ts';
import { kAnonymity } from '../privacy/models/k-anonymity.ts';
import { search } from '../privacy/search.ts';
import { arxTable, readArxFolder } from './arx-table.ts';
import { run } from './arx.ts';

const shared = join(process.env['LETHE_SHARED_DATA'] ?? join(import.meta.dirname, '../../../../../shared/data'), 'adult-arx');
const hasShared = existsSync(shared);
if (!hasShared) console.log('adult-arx is not here: its cases are skipped');

describe.runIf(hasShared)('the cases of adult-arx', () => {
  it('pass where k-anonymity is the only model', async () => {
    expect(await run(shared, ['--models', 'KAnonymity'])).toEqual({ passed: 24, failed: 0 });
  });

  it('have as many feasible nodes as known', async () => {
    const names = ['sex', 'age', 'race', 'marital-status', 'education', 'native-country', 'workclass', 'occupation', 'salary-class'];
    const about = { table: 'adult', attributeOrder: names, levels: [2, 5, 2, 3, 4, 3, 3, 3, 2] };
    const { dimensions, table } = arxTable(await readArxFolder(shared, about, names), names);
    expect(table.classCount).toBe(19_502);
    const metric = makeMetric({ kind: 'height' }, dimensions, table);
    const count = async (k: number, suppressionLimit: number) =>
      (await search(table, dimensions, { models: [kAnonymity(k)], metric, suppressionLimit, countFeasible: true }))?.feasibleCount;
    expect([await count(5, 0), await count(100, 0), await count(5, 0.04), await count(100, 0.04)]).toEqual([87, 22, 4452, 474]);
  });
});

describe('a folder of another table', () => {
  let folder: string;
  const lines: string[] = [];
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-arx-'));
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'pets.csv'), 'size;kind\n1;cat\n1;cat\n2;cat\n2;dog\n');
    await writeFile(join(folder, 'pets_hierarchy_kind.csv'), 'cat;*\ndog;*\n');
    await writeFile(join(folder, 'pets_hierarchy_size.csv'), '1;*\n2;*\n');
    vi.spyOn(console, 'log').mockImplementation((line: string) => lines.push(line));
  });
  afterAll(async () => {
    vi.restoreAllMocks();
    await rm(folder, { recursive: true, force: true });
  });
  const write = async (optimum: object[], nodes: object[] = []): Promise<void> => {
    const about = { table: 'pets', attributeOrder: ['kind', 'size'], levels: [2, 2] };
    const base = { qis: ['size', 'kind'], suppressionLimit: 0, metric: 'height', models: [{ model: 'KAnonymity', k: 2 }] };
    await writeFile(
      join(folder, 'vectors-optimum.json'),
      JSON.stringify({ about, cases: optimum.map((entry) => ({ ...base, ...entry })) }),
    );
    await writeFile(join(folder, 'vectors-per-node.json'), JSON.stringify({ about, cases: nodes.map((entry) => ({ ...base, ...entry })) }));
  };

  it('is judged by what its files say', async () => {
    await write([{ node: [0, 1], loss: 1, globalOptimum: true }], [{ nodes: [[[1, 1], 2]] }]);
    expect(await run(folder, [])).toEqual({ passed: 2, failed: 0 });
  });

  it('fails for a wrong loss at a node, a wrong optimum, a model that is not built and an unknown metric', async () => {
    lines.length = 0;
    await write(
      [
        { node: [1, 1], loss: 2, globalOptimum: true },
        { node: [1, 1], loss: 2, globalOptimum: null },
        { node: [1, 1], loss: 2, globalOptimum: false },
        { node: [1, 1], loss: 3, globalOptimum: false },
        // Two nodes of height 1 tie here, so that the loss alone tells that this is no optimum.
        { node: [1, 1], loss: 2, globalOptimum: true, suppressionLimit: 0.25 },
        { node: [0, 1], loss: 1, globalOptimum: true, models: [{ model: 'Other' }] },
        { node: [0, 1], loss: 1, globalOptimum: true, metric: 'other' },
      ],
      [{ nodes: [[[1, 1], 1]] }],
    );
    expect(await run(folder, [])).toEqual({ passed: 2, failed: 6 });
    expect(lines).toHaveLength(6);
    expect(lines[3]).toContain('the model Other is not built');
    expect(await run(folder, ['--models', 'Other'])).toEqual({ passed: 0, failed: 1 });
  });
});
