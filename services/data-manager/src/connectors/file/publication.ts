// Renames as one step: an intent says which files they move, and becomes the entry of the ledger when they are done.
import { failpoint } from '@lethe/db/failpoint';
import { existsSync } from 'node:fs';
import { rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { LedgerEntry, TargetUpload, UploadTable } from '../connector.ts';
import { stageError } from '../../domain/run-error.ts';
import { entryPath, fileOf, HIDDEN, readEntry, sync, writeIntent, type Intent, type StagedFile } from './ledger.ts';

const stagedPath = (folder: string, { staged }: StagedFile): string => join(folder, HIDDEN, staged);

/** Whether an intent may have been followed by a rename. One that does not say its files may. */
export const isBegun = (folder: string, { files, wasBegun = false }: Intent): boolean =>
  wasBegun || files === undefined || files.some((file) => !existsSync(stagedPath(folder, file)));

const describe = async (path: string): Promise<Pick<StagedFile, 'sizeBytes' | 'mtimeNs'>> => {
  const { size, mtimeNs } = await stat(path, { bigint: true });
  return { sizeBytes: String(size), mtimeNs: String(mtimeNs) };
};

/** Whether a staged file, which is not there any more, has become the file that readers know. */
const isRenamed = async (folder: string, file: StagedFile): Promise<boolean> => {
  const path = fileOf(folder, file.name);
  if (!existsSync(path)) return false;
  const { sizeBytes, mtimeNs } = await describe(path);
  return sizeBytes === file.sizeBytes && mtimeNs === file.mtimeNs;
};

/**
 * Does the renames of an intent that are not done yet. The last one makes the intent the entry, which takes no room: a disk that is full ends nothing
 * between them. False where a staged file is gone and readers do not have it.
 */
export const finish = async (folder: string, { uploadId, fence }: TargetUpload): Promise<boolean> => {
  const intentFile = entryPath(folder, uploadId, 'intent');
  const intent = await readEntry(intentFile);
  if (!intent?.files) return false;
  for (const file of intent.files) {
    const staged = stagedPath(folder, file);
    if (existsSync(staged)) {
      await fence();
      await rename(staged, fileOf(folder, file.name));
      await failpoint('upload.target.rename.after');
    } else if (!(await isRenamed(folder, file))) return false;
  }
  await sync(folder);
  await fence();
  await rename(intentFile, entryPath(folder, uploadId, 'entry'));
  await sync(join(folder, HIDDEN));
  return true;
};

/** Publishes staged files, by their tables, under the names of the tables. */
export const publish = async (
  folder: string,
  upload: TargetUpload,
  { entry, tables, stagedName }: { entry: LedgerEntry; tables: readonly UploadTable[]; stagedName: (table: UploadTable) => string },
): Promise<void> => {
  const files: StagedFile[] = [];
  for (const table of tables) {
    const staged = stagedName(table);
    files.push({ staged, name: table.versioned, ...(await describe(join(folder, HIDDEN, staged))) });
  }
  await sync(join(folder, HIDDEN));
  const intentFile = entryPath(folder, upload.uploadId, 'intent');
  const earlier = await readEntry(intentFile);
  const wasBegun = earlier !== undefined && isBegun(folder, earlier);
  await writeIntent(intentFile, { ...entry, files, wasBegun }, upload.fence);
  await failpoint('upload.target.commit.before');
  if (!(await finish(folder, upload))) throw stageError('FILE_KIND', { activity: 'Publishing', problem: 'a staged file is not there' });
  await failpoint('upload.target.commit.after');
};

/** Removes an intent that no rename has followed. */
export const removeIntent = (folder: string, { uploadId }: Intent): Promise<void> =>
  rm(entryPath(folder, uploadId, 'intent'), { force: true });
