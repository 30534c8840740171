import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { UploadTable } from '../connectors/connector.ts';
import { fileTarget } from '../connectors/file/target.ts';
import type { ExecutionRow } from '../store/tables.ts';
import { targetUpload } from './upload-session.ts';

const groupId = '0192f0c0-0000-7000-8000-00000000000a';
let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'lethe-staging-'));
});
afterEach(() => rm(root, { recursive: true }));

const turn = (uploadGeneration: number, epoch: bigint) => ({
  row: { runId: 'run', uploadGeneration, epoch } as ExecutionRow,
  fence: async () => {},
});

test('the next upload of a run removes what one that was refused has staged', async () => {
  const connection = { id: 'c', groupId, name: 'reports', type: 'file', settings: { path: '' }, secret: {} };
  const limits = { privateTargets: () => false, fileRoot: root, sourceTimeoutMs: 60_000 };
  const csv = join(root, 'rows.csv');
  await writeFile(csv, '1\n');
  const table = { table: 't', target: 't', versioned: 't', columns: [{ name: 'n' }] } as UploadTable;
  const refused = await fileTarget(connection, limits, targetUpload(turn(0, 1n), 'c'));
  await refused.stage(table, [csv]);
  const next = targetUpload(turn(1, 2n), 'c');
  expect(next.uploadId).not.toBe(targetUpload(turn(0, 1n), 'c').uploadId);
  await (await fileTarget(connection, limits, next)).cleanUp();
  expect(await readdir(join(root, groupId, '.lethe'))).toEqual([]);
});
