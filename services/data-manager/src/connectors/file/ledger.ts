// What a folder remembers of uploads: a file each, written before the renames as an intent and after them as the entry.
import { createHash } from 'node:crypto';
import { lstat, open, readdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
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

/** Reads an entry; undefined where there is none. */
export const readEntry = async (path: string): Promise<LedgerEntry | undefined> => {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LedgerEntry;
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return undefined;
    throw error;
  }
};

/** Writes an entry so that it is there as a whole, after a crash of the machine too. */
export const writeEntry = async (path: string, entry: LedgerEntry, fence: () => Promise<void>): Promise<void> => {
  const temporary = `${path}.${entry.epoch}.partial`;
  const file = await open(temporary, 'w', 0o600);
  await file.writeFile(JSON.stringify(entry));
  await file.sync();
  await file.close();
  await fence();
  await rename(temporary, path);
};

/** All entries and intents of a folder. */
export const readLedger = async (folder: string): Promise<LedgerEntry[]> => {
  let names: string[];
  try {
    names = await readdir(join(folder, HIDDEN));
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return [];
    throw error;
  }
  const entries: LedgerEntry[] = [];
  for (const name of names.filter((candidate) => candidate.endsWith('.json'))) {
    const entry = await readEntry(join(folder, HIDDEN, name));
    if (entry) entries.push(entry);
  }
  return entries;
};

/** What is at a path: nothing, a regular file, or something that is neither. */
const kindAt = async (path: string): Promise<'nothing' | 'file' | 'other'> => {
  try {
    return (await lstat(path)).isFile() ? 'file' : 'other';
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 'nothing';
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
