// Errors of the file system in the folder of a connection as sentences.
import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RunError } from '../../domain/run-error.ts';
import { fileError } from './failure.ts';
import { folderOf } from './root.ts';
import { fileTarget } from './target.ts';

const groupId = '0192f0c0-0000-7000-8000-00000000000a';
let fileRoot: string;
let root: string;
beforeEach(async () => {
  fileRoot = await mkdtemp(join(tmpdir(), 'lethe-files-'));
  root = join(fileRoot, groupId);
  await mkdir(root);
});
afterEach(() => rm(fileRoot, { recursive: true }));

const connection = (path: string) => ({ id: 'c', groupId, name: 'reports', type: 'file', settings: { path }, secret: {} });
const limits = () => ({ privateTargets: () => false, fileRoot });

const reasonOf = (code: string): unknown => {
  const error = fileError(Object.assign(new Error(`${code}: planted, open '/planted'`), { code }), 'Publishing');
  if (error instanceof RunError) expect(error.message).not.toContain('planted');
  return error instanceof RunError ? [error.reason, error.transient] : error;
};

describe('an error of the file system', () => {
  test.each([
    ['EACCES', 'FILE_RIGHTS', false],
    ['EPERM', 'FILE_RIGHTS', false],
    ['EROFS', 'FILE_READ_ONLY', false],
    ['ENOSPC', 'FILE_DISK_FULL', true],
    ['EDQUOT', 'FILE_DISK_FULL', true],
    ['ENOENT', 'FILE_KIND', false],
    ['ENOTDIR', 'FILE_KIND', false],
    ['EISDIR', 'FILE_KIND', false],
    ['ENAMETOOLONG', 'FILE_KIND', false],
    ['EIO', 'FILE_SYSTEM', true],
    ['ESTALE', 'FILE_SYSTEM', true],
    ['EMFILE', 'FILE_SYSTEM', true],
  ])('%s is %s', (code, reason, transient) => {
    expect(reasonOf(code)).toEqual([reason, transient]);
  });

  test('is none where the program is wrong', () => {
    const error = new TypeError('planted');
    expect(fileError(error, 'Publishing')).toBe(error);
  });
});

describe('a folder that is not as it must be', () => {
  const upload = { uploadId: 'run.1.c', stagingId: 'run.c', epoch: 1, fence: async () => {} };

  test('is named where it is not there', async () => {
    await expect(folderOf(connection('reports/2026'), limits())).rejects.toMatchObject({
      reason: 'FILE_MISSING',
      message: 'The connection has no file or folder reports/2026.',
      place: { object: 'reports/2026' },
    });
  });

  test('is refused as a target with what is wrong, where a file is in the place of the ledger or of the folder', async () => {
    await mkdir(join(root, 'reports'));
    await writeFile(join(root, 'reports', '.lethe'), '');
    await expect(fileTarget(connection('reports'), limits(), upload)).rejects.toMatchObject({
      reason: 'FILE_KIND',
      message: 'Preparing the target failed: something of that name is there already.',
    });
    await writeFile(join(root, 'file'), '');
    await expect(fileTarget(connection('file'), limits(), upload)).rejects.toMatchObject({
      reason: 'FILE_KIND',
      message: 'Preparing the target failed: a file is where a folder should be.',
    });
  });
});
