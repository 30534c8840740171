// A folder as a target under two workers of one upload.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LedgerEntry, Target, UploadTable } from '../connector.ts';
import { fileTarget } from './target.ts';

class Overtaken extends Error {}

const groupId = '0192f0c0-0000-7000-8000-00000000000a';

let fileRoot: string;
let root: string;
let csv: string;
beforeEach(async () => {
  fileRoot = await mkdtemp(join(tmpdir(), 'lethe-target-'));
  root = join(fileRoot, groupId);
  await mkdir(join(root, 'reports'), { recursive: true });
  csv = join(root, 'rows.csv');
  await writeFile(csv, '1\n2\n');
});
afterEach(() => rm(fileRoot, { recursive: true }));

const table = { table: 't', target: 't', versioned: 't', columns: [{ name: 'n' }] } as UploadTable;
const entry = (epoch: number): LedgerEntry => ({ uploadId: 'run.0.c', epoch, runId: 'run', moduleId: 'm', version: '1.0.0', tables: [] });

const target = (epoch: number, isOvertaken = (): boolean => false): Promise<Target> =>
  fileTarget(
    { id: 'c', groupId, name: 'reports', type: 'file', settings: { path: 'reports' }, secret: {} },
    { privateTargets: () => false, fileRoot, sourceTimeoutMs: 60_000 },
    {
      uploadId: 'run.0.c',
      stagingId: 'run.c',
      epoch,
      fence: async () => {
        if (isOvertaken()) throw new Overtaken();
      },
    },
  );

const visible = async (): Promise<string[]> => (await readdir(join(root, 'reports'))).filter((name) => name !== '.lethe');

test('a worker that another has overtaken publishes nothing, whichever rename it stands before', async () => {
  for (const renamesBefore of [0, 1]) {
    let fences = 0;
    const late = await target(1, () => (fences += 1) > renamesBefore);
    await late.stage(table, [csv]);
    await expect(late.commit(entry(1), [table])).rejects.toThrow(Overtaken);
    expect(await visible()).toEqual([]);
    expect(await late.probe('run.0.c')).toBeUndefined();
  }
});

test('a worker that another has overtaken removes nothing of what that one has staged', async () => {
  const late = await target(1);
  const next = await target(2);
  await late.stage(table, [csv]);
  await next.stage(table, [csv]);
  await late.cleanUp();
  await next.commit(entry(2), [table]);
  await next.cleanUp();
  expect(await visible()).toEqual(['t.csv']);
  expect(await readFile(join(root, 'reports', 't.csv'), 'utf8')).toBe('n\n1\n2\n');
  expect((await readdir(join(root, 'reports', '.lethe'))).filter((name) => !name.endsWith('.json'))).toEqual([]);
});
