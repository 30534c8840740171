// A folder as a target under two workers of one upload.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { LedgerEntry, Target, TargetUpload, UploadTable } from '../connector.ts';
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
const entry = (epoch: number, tables: readonly UploadTable[] = []): LedgerEntry => ({
  uploadId: 'run.0.c',
  epoch,
  runId: 'run',
  moduleId: 'm',
  version: '1.0.0',
  tables: tables.map(({ table: name, target: known, versioned }) => ({
    table: name,
    target: known,
    versioned,
    rowCount: 2,
    contentHash: '',
  })),
});

const two = (version: string): [UploadTable, UploadTable] => [
  { ...table, versioned: `t__${version}` },
  { ...table, table: 'u', target: 'u', versioned: `u__${version}` },
];

const connection = { id: 'c', groupId, name: 'reports', type: 'file', settings: { path: 'reports' }, secret: {} };
const limits = () => ({ privateTargets: () => false, fileRoot, sourceTimeoutMs: 60_000 });
const upload = (epoch: number, isOvertaken = (): boolean => false): TargetUpload => ({
  isPublishing: false,
  uploadId: 'run.0.c',
  stagingId: 'run.c',
  epoch,
  fence: async () => {
    if (isOvertaken()) throw new Overtaken();
  },
});

const target = (epoch: number, isOvertaken?: () => boolean): Promise<Target> =>
  fileTarget(connection, limits(), upload(epoch, isOvertaken));

/** A target whose worker is overtaken before the rename of a number. */
const targetThatEnds = (renamesBefore: number, epoch = 1): Promise<Target> => {
  let fences = 0;
  return target(epoch, () => (fences += 1) > renamesBefore);
};

const stageAll = async (at: Target, tables: readonly UploadTable[]): Promise<void> => {
  for (const each of tables) await at.stage(each, [csv]);
};

const rowsOf = (name: string): Promise<string> => readFile(join(root, 'reports', name), 'utf8');
const hidden = (): Promise<string[]> => readdir(join(root, 'reports', '.lethe'));

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

test('an upload of which a file is published is begun: the next worker publishes the rest of the same files', async () => {
  const tables = two('1_0_0');
  // The intent, the first rename; the second comes too late.
  const late = await targetThatEnds(2);
  await stageAll(late, tables);
  await expect(late.commit(entry(1, tables), tables)).rejects.toThrow(Overtaken);
  expect(await visible()).toEqual(['t__1_0_0.csv']);
  const next = await target(2);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'begun', entry: { version: '1.0.0' } });
  await next.cleanUp();
  await writeFile(csv, 'rows that came later\n');
  expect(await next.finish?.()).toBe(true);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'published', entry: { epoch: 1 } });
  expect([await rowsOf('t__1_0_0.csv'), await rowsOf('u__1_0_0.csv')]).toEqual(['n\n1\n2\n', 'n\n1\n2\n']);
  await next.cleanUp();
  expect((await hidden()).map((name) => name.replace(/^[^.]*/, ''))).toEqual(['.json']);
});

test('all renames done and no entry written is begun as well, and finished without room on the disk', async () => {
  const tables = two('1_0_0');
  const late = await targetThatEnds(3);
  await stageAll(late, tables);
  await expect(late.commit(entry(1, tables), tables)).rejects.toThrow(Overtaken);
  const before = await hidden();
  const next = await target(2);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'begun' });
  expect(await next.finish?.()).toBe(true);
  // The intent itself has become the entry: nothing was written.
  expect(await hidden()).toHaveLength(before.length);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'published' });
});

test('an intent that no rename has followed is nothing, and goes with what it staged', async () => {
  const tables = two('1_0_0');
  const late = await targetThatEnds(1);
  await stageAll(late, tables);
  await expect(late.commit(entry(1, tables), tables)).rejects.toThrow(Overtaken);
  const next = await target(2);
  expect(await next.probe('run.0.c')).toBeUndefined();
  await next.cleanUp();
  expect(await next.probe('run.0.c')).toBeUndefined();
  expect(await hidden()).toEqual([]);
});

test('a file that cannot be published leaves the upload begun until it can', async () => {
  const tables = two('1_0_0');
  const late = await targetThatEnds(2);
  await stageAll(late, tables);
  await expect(late.commit(entry(1, tables), tables)).rejects.toThrow(Overtaken);
  await mkdir(join(root, 'reports', 'u__1_0_0.csv'));
  const next = await target(2);
  await expect(next.finish?.()).rejects.toMatchObject({ reason: 'FILE_KIND' });
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'begun' });
  await rm(join(root, 'reports', 'u__1_0_0.csv'), { recursive: true });
  expect(await next.finish?.()).toBe(true);
});

test('a staged file that is gone and that readers do not have is loaded again', async () => {
  const tables = two('1_0_0');
  const late = await targetThatEnds(2);
  await stageAll(late, tables);
  await expect(late.commit(entry(1, tables), tables)).rejects.toThrow(Overtaken);
  for (const name of await hidden()) if (name.endsWith('.csv')) await rm(join(root, 'reports', '.lethe', name));
  const next = await target(2);
  expect(await next.finish?.()).toBe(false);
  await next.cleanUp();
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'begun' });
  // Loaded again it stays begun, although none of the new files is published yet.
  const again = await targetThatEnds(1, 2);
  await stageAll(again, tables);
  await expect(again.commit(entry(2, tables), tables)).rejects.toThrow(Overtaken);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'begun' });
  await stageAll(next, tables);
  await next.commit(entry(2, tables), tables);
  expect(await next.probe('run.0.c')).toMatchObject({ is: 'published', entry: { epoch: 2 } });
  expect(await visible()).toEqual(['t__1_0_0.csv', 'u__1_0_0.csv']);
});

test('the file of an earlier version is none that was published in place of a staged file that is gone', async () => {
  const tables = two('1_0_0').map((each) => ({ ...each, versioned: each.target, replace: true }));
  const earlier = await fileTarget(connection, limits(), { ...upload(1), uploadId: 'earlier.0.c', stagingId: 'earlier.c' });
  await stageAll(earlier, tables);
  await earlier.commit({ ...entry(1, tables), uploadId: 'earlier.0.c', runId: 'earlier' }, tables);
  await writeFile(csv, '3\n');
  const late = await targetThatEnds(2, 2);
  await stageAll(late, tables);
  await expect(late.commit(entry(2, tables), tables)).rejects.toThrow(Overtaken);
  for (const name of await hidden()) if (name.endsWith('.csv')) await rm(join(root, 'reports', '.lethe', name));
  const next = await target(3);
  expect(await next.finish?.()).toBe(false);
});

test('a version’s own name that an upload which was given up has left is refused with that version', async () => {
  const tables = two('1_0_0');
  const first = await target(1);
  await stageAll(first, tables);
  await first.commit(entry(1, tables), tables);
  const other = await fileTarget(connection, limits(), { ...upload(1), uploadId: 'other.0.c', stagingId: 'other.c' });
  await stageAll(other, tables);
  const of = { ...entry(1, tables), uploadId: 'other.0.c', runId: 'other' };
  await expect(other.commit(of, tables)).rejects.toMatchObject({ reason: 'UPLOAD_LEFT_ROWS', message: expect.stringContaining('1.0.0') });
});

test('rows are read back as they were staged, whatever their length', async () => {
  const long = `${'x'.repeat(3_000_000)}\n`.repeat(2);
  await writeFile(csv, long);
  const at = await target(1);
  expect(await at.stage(table, [csv, csv])).toBe(4);
  const back = join(fileRoot, 'back.csv');
  expect(await at.readBack(table, back)).toBe(4);
  expect(await readFile(back, 'utf8')).toBe(long.repeat(2));
});

test('a disk or a file of DataManager is not told as one of the connection', async () => {
  const at = await target(1);
  await expect(at.stage(table, [join(fileRoot, 'gone.csv')])).rejects.toMatchObject({ code: 'ENOENT' });
  await at.stage(table, [csv]);
  await expect(at.readBack(table, join(fileRoot, 'gone', 'back.csv'))).rejects.toMatchObject({ code: 'ENOENT' });
  await expect(at.readBack(two('1_0_0')[1], join(fileRoot, 'back.csv'))).rejects.toMatchObject({ reason: 'FILE_KIND' });
});

test('a database of DataManager that is away is not told as the folder of the connection', async () => {
  const lost = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'read' });
  const at = await fileTarget(connection, limits(), { ...upload(1), fence: () => Promise.reject(lost) });
  await at.stage(table, [csv]);
  await expect(at.commit(entry(1, [table]), [table])).rejects.toBe(lost);
});
