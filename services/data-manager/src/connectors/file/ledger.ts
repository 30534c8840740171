// What a folder remembers of uploads: a file each, an intent before the renames, which becomes the entry after them.
import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isFileName } from '@lethe/module/check-uploads';
import { stageError } from '../../domain/run-error.ts';
import type { LedgerEntry, WriteUse } from '../connector.ts';

/** The folder of ledger and staging, below a target's folder. */
export const HIDDEN = '.lethe';

const ENDING = '.csv';

/** A short name for a text of any length. */
export const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 20);

/** The file of a table. */
export const fileOf = (folder: string, name: string): string => join(folder, `${name}${ENDING}`);

/** The ledger file of an upload; an intent says which names an upload that is under way takes. */
export const entryPath = (folder: string, uploadId: string, kind: 'entry' | 'intent'): string =>
  join(folder, HIDDEN, `${digest(uploadId)}${kind === 'intent' ? '.intent' : ''}.json`);

/** A staged file, by its name in the hidden folder and by what a rename leaves as it is, and the name that readers will know it by. */
export type StagedFile = { staged: string; name: string; sizeBytes: string; mtimeNs: string };

/** An upload that is being published. Those of earlier releases do not say their files. `wasBegun`: renames have followed an earlier intent of it. */
export type Intent = LedgerEntry & { files?: StagedFile[]; wasBegun?: boolean };

const isMissing = (error: unknown): boolean => (error as { code?: unknown }).code === 'ENOENT';

/** Reads an entry or an intent; undefined where there is none. */
export const readEntry = async (path: string): Promise<Intent | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as Intent;
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
};

/** What was written into a folder or a file is there after a crash of the machine too. */
export const sync = async (path: string): Promise<void> => {
  const file = await open(path);
  try {
    await file.sync();
  } finally {
    await file.close();
  }
};

/** Writes an intent so that it is there as a whole, after a crash of the machine too. */
export const writeIntent = async (path: string, intent: Intent, fence: () => Promise<void>): Promise<void> => {
  const temporary = `${path}.${intent.epoch}.partial`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(JSON.stringify(intent));
    await file.sync();
  } finally {
    await file.close();
  }
  await fence();
  await rename(temporary, path);
  await sync(dirname(path));
};

const readAll = async (folder: string, ending: string): Promise<Intent[]> => {
  let names: string[];
  try {
    names = await readdir(join(folder, HIDDEN));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
  const entries: Intent[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith(ending))) {
    const entry = await readEntry(join(folder, HIDDEN, name));
    if (entry) entries.push(entry);
  }
  return entries;
};

/** All entries and intents of a folder. */
export const readLedger = (folder: string): Promise<LedgerEntry[]> => readAll(folder, '.json');

/** The intents of a folder. */
export const readIntents = (folder: string): Promise<Intent[]> => readAll(folder, '.intent.json');

/** What is at a path: nothing, a regular file, or something that is neither. */
const kindAt = async (path: string): Promise<'nothing' | 'file' | 'other'> => {
  try {
    return (await lstat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if (isMissing(error)) return 'nothing';
    throw error;
  }
};

const sameName = (left: string | undefined, right: string): boolean => left?.toLowerCase() === right.toLowerCase();

/** Whether the ledger has a target's name as one of a module's uploads. */
export const isNamedBy = (ledger: readonly LedgerEntry[], moduleId: string, target: string): boolean =>
  ledger.some((entry) => entry.moduleId === moduleId && entry.tables.some((item) => sameName(item.target, target)));

/** Refuses a name that is not free and not one of this module's own uploads. */
export const claimFile = async (
  folder: string,
  ledger: readonly LedgerEntry[],
  moduleId: string,
  { table, target, replace, versioned }: Omit<WriteUse, 'natives'> & { versioned?: string },
): Promise<undefined> => {
  if (!isFileName(target)) throw stageError('TARGET_NAME_UNUSABLE', { table });
  const named = ledger.flatMap((entry) => entry.tables.map((item) => ({ ...item, moduleId: entry.moduleId })));
  const isOthers = named.some((item) => item.moduleId !== moduleId && (sameName(item.target, target) || sameName(item.versioned, target)));
  const name = versioned ?? (replace ? target : undefined);
  const isOwn = named.some(
    (item) => item.moduleId === moduleId && (name === item.versioned || (item.target === undefined && item.table === table)),
  );
  const kind = name === undefined ? 'nothing' : await kindAt(fileOf(folder, name));
  if (isOthers || kind === 'other' || (kind === 'file' && !isOwn))
    throw stageError('TARGET_NAME_TAKEN', { object: `${name ?? target}${ENDING}` });
};

/** Refuses a version's own name that a file has of an upload of this module which was given up as not taken. */
export const refuseLeft = async (
  folder: string,
  ledger: readonly LedgerEntry[],
  { moduleId, uploadId }: LedgerEntry,
  { versioned }: { versioned: string },
): Promise<undefined> => {
  const left = ledger.find(
    (entry) => entry.moduleId === moduleId && entry.uploadId !== uploadId && entry.tables.some((item) => item.versioned === versioned),
  );
  if (left && (await kindAt(fileOf(folder, versioned))) !== 'nothing') throw stageError('UPLOAD_LEFT_ROWS', { version: left.version });
};
