import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { sharedData } from '@lethe/testkit/shared-data';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { run } from './fusion.ts';

const shared = sharedData('record-fusion');

describe.skipIf(shared === undefined)('the record-fusion data', () => {
  it('passes every case', async () => {
    expect(await run(shared ?? '', [])).toEqual({ passed: 11, failed: 0 });
  }, 60_000);
});

describe('another folder of the layout', () => {
  let folder: string;

  const cases = (rows: number, correctCells: number) => ({
    about: { emptyFields: { 'shop list.csv.gz': { 'net price': 2 } } },
    cases: [
      {
        table: 'shop list.csv.gz',
        key: ['shop', 'row_id'],
        sourceColumn: 'from',
        strategy: 'SourcePriority',
        withinSource: 'last',
        ranks: ['b', 'a'],
        rows,
        rowsPerSource: { b: 1, a: 1 },
        golden: 'golden.csv',
        comparedColumns: ['net price'],
        correctCells,
      },
      { table: 'shop list.csv.gz', key: ['shop', 'row_id'], sourceColumn: null, strategy: 'GenerateKeys', rows: 4, distinctKeys: 4 },
      { table: 'shop list.csv.gz', key: ['shop'], sourceColumn: 'from', strategy: 'SourcePriority', refused: 'no withinSource' },
    ],
  });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lethe-vectors-'));
    const table = 'from,shop,row_id,net price\na,x,1,10\na,x,1,\nb,x,1,"1,5"\na,y,2,\n';
    await writeFile(join(folder, 'shop list.csv.gz'), gzipSync(table));
    await writeFile(join(folder, 'golden.csv'), 'row_id,shop,net price\n1,x,"1,5"\n2,y,7\n');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is read from its JSON file alone: composite keys, packed files, other names', async () => {
    await writeFile(join(folder, 'expected.json'), JSON.stringify(cases(2, 1)));
    expect(await run(folder, [])).toEqual({ passed: 4, failed: 0 });
  });

  it('prints a line for each failing case and ends with the sum and status 1', async () => {
    const wrong = cases(3, 2);
    wrong.cases.push({ table: 'missing.csv', key: ['shop'], sourceColumn: null, strategy: 'GenerateKeys', rows: 1, distinctKeys: 1 });
    await writeFile(join(folder, 'expected.json'), JSON.stringify(wrong));
    const printed = vi.spyOn(console, 'log').mockReturnValue(undefined);
    expect(await run(folder, [])).toEqual({ passed: 3, failed: 2 });
    expect(printed.mock.calls.map(([line]) => String(line).slice(0, 20))).toEqual(['FAILED case 1: shop ', 'FAILED case 4: missi']);
    printed.mockRestore();
    const main = fileURLToPath(new URL('main.ts', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [main, 'fusion', folder], { encoding: 'utf8' });
    expect(stdout).toContain('rows: 3 expected, 2 found; correct cells: 2 expected, 1 found');
    expect(stdout.trimEnd().split('\n').at(-1)).toBe('3 passed, 2 failed');
    expect(status).toBe(1);
  });
});
