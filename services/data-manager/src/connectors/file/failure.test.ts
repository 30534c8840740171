// Errors of the file system in the folder of a connection as sentences.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { RunError } from '../../domain/run-error.ts';
import { useGroupFolder } from '../../../test/support/group-folder.ts';
import { fileError } from './failure.ts';
import { folderOf } from './root.ts';
import { fileTarget } from './target.ts';

const group = useGroupFolder();

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
  const upload = { uploadId: 'run.1.c', stagingId: 'run.c', epoch: 1, isPublishing: false, fence: async () => {} };

  test('is named where it is not there', async () => {
    await expect(folderOf(group.connection('reports/2026'), group.limits())).rejects.toMatchObject({
      reason: 'FILE_MISSING',
      message: 'The connection has no file or folder reports/2026.',
      place: { object: 'reports/2026' },
    });
  });

  test('is refused as a target with what is wrong, where a file is in the place of the ledger or of the folder', async () => {
    await mkdir(join(group.root, 'reports'));
    await writeFile(join(group.root, 'reports', '.lethe'), '');
    await expect(fileTarget(group.connection('reports'), group.limits(), upload)).rejects.toMatchObject({
      reason: 'FILE_KIND',
      message: 'Preparing the target failed: something of that name is there already.',
    });
    await writeFile(join(group.root, 'file'), '');
    await expect(fileTarget(group.connection('file'), group.limits(), upload)).rejects.toMatchObject({
      reason: 'FILE_KIND',
      message: 'Preparing the target failed: a file is where a folder should be.',
    });
  });
});
