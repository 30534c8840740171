// csv → hidden files → an intent, renames, and the ledger file.
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, open, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import {
  type ConnectorLimits,
  type Found,
  type LedgerEntry,
  type ResolvedConnection,
  type Target,
  type TargetUpload,
  type UploadTable,
} from '../connector.ts';
import { claimFile, digest, entryPath, HIDDEN, readEntry, readIntents, readLedger, refuseLeft } from './ledger.ts';
import { besideFolder, fileError, inFolder } from './failure.ts';
import { finish, isBegun, publish, removeIntent } from './publication.ts';
import { folderOf } from './root.ts';
import { stageError } from '../../domain/run-error.ts';

const CHUNK_BYTES = 1 << 20;

const header = (table: UploadTable): string => `${table.columns.map(({ name }) => name).join(',')}\n`;

const countRecords = async (path: string): Promise<number> => {
  let count = 0;
  await pipeline(createReadStream(path), parse({ relax_column_count: true }), async (records: AsyncIterable<unknown>) => {
    for await (const record of records) if (record) count += 1;
  });
  return count;
};

/** Writes a file of the folder from files of our own, so that it is there after a crash of the machine too. An error of our own files stays as it is. */
const writeStaged = async (path: string, first: string, csvPaths: readonly string[], activity: string): Promise<void> => {
  const file = await inFolder(activity, () => open(path, 'w', 0o600));
  try {
    await inFolder(activity, () => file.writeFile(first));
    for (const csvPath of csvPaths)
      for await (const chunk of createReadStream(csvPath, { highWaterMark: CHUNK_BYTES }))
        await inFolder(activity, () => file.writeFile(chunk as Buffer));
    await inFolder(activity, () => file.sync());
  } finally {
    await file.close();
  }
};

/** The lines of a file of the folder after its first, which Lethe wrote itself: a line feed ends it. */
async function* linesAfterFirst(path: string, activity: string): AsyncGenerator<Buffer> {
  let isFirst = true;
  try {
    for await (const read of createReadStream(path, { highWaterMark: CHUNK_BYTES })) {
      const chunk = read as Buffer;
      const end: number = isFirst ? chunk.indexOf(10) : -1;
      if (!isFirst || end >= 0) yield chunk.subarray(end + 1);
      isFirst &&= end < 0;
    }
  } catch (error) {
    throw fileError(error, activity);
  }
}

/** What a folder has of an upload. */
const find = async (folder: string, uploadId: string): Promise<Found | undefined> => {
  const entry = await readEntry(entryPath(folder, uploadId, 'entry'));
  if (entry) return { is: 'published', entry };
  const intent = await readEntry(entryPath(folder, uploadId, 'intent'));
  return intent && isBegun(folder, intent) ? { is: 'begun', entry: intent } : undefined;
};

/** Removes staged files of an epoch and of earlier ones, and intents that no rename has followed: these first, as their files say that they are none. */
const cleanUp = async (folder: string, prefixes: { staged: string; partial: string }, epoch: number): Promise<void> => {
  const needed = new Set<string>();
  for (const intent of await readIntents(folder)) {
    const staged = (intent.files ?? []).map((file) => file.staged).filter((name) => name.startsWith(prefixes.staged));
    if (staged.length === 0) continue;
    if (intent.epoch > epoch || isBegun(folder, intent)) staged.forEach((name) => needed.add(name));
    else await removeIntent(folder, intent);
  }
  const hidden = join(folder, HIDDEN);
  for (const name of await readdir(hidden)) {
    const prefix = [prefixes.staged, prefixes.partial].find((candidate) => name.startsWith(candidate));
    const isOld = prefix !== undefined && Number(name.slice(prefix.length).split('.')[0]) <= epoch;
    if (isOld && !needed.has(name)) await rm(join(hidden, name), { force: true });
  }
};

/** The writing side of a file connection. While its files are renamed, a reader of REPLACE may see some tables new and others old. */
export const fileTarget = async (connection: ResolvedConnection, limits: ConnectorLimits, given: TargetUpload): Promise<Target> => {
  const upload = { ...given, fence: besideFolder(given.fence) };
  const folder = await folderOf(connection, limits);
  const hidden = join(folder, HIDDEN);
  // What an upload that may be published has staged is there, or the folder is another one: a file system that is not mounted has nothing to tell.
  if (!upload.isPublishing) await inFolder('Preparing the target', () => mkdir(hidden, { recursive: true, mode: 0o700 }));
  else if (!existsSync(hidden)) throw stageError('TARGET_FOLDER_EMPTY');
  const prefix = `${digest(upload.stagingId)}.`;
  const stagedName = (table: UploadTable): string => `${prefix}${upload.epoch}.${digest(table.table)}.csv`;
  const intentFile = entryPath(folder, upload.uploadId, 'intent');
  const staged = (table: UploadTable): string => join(hidden, stagedName(table));
  /** What another connection of the same run has published here is no earlier version. */
  const ownLedger = async (run: string): Promise<LedgerEntry[]> =>
    (await readLedger(folder)).filter((entry) => entry.runId !== run || entry.uploadId === upload.uploadId);
  return {
    probe: (uploadId) => inFolder('Looking the upload up at the target', () => find(folder, uploadId)),
    finish: () => inFolder('Publishing', () => finish(folder, upload)),
    stage: async (table, csvPaths) => {
      const activity = `Loading table ${table.table}`;
      await writeStaged(staged(table), header(table), csvPaths, activity);
      return inFolder(activity, async () => (await countRecords(staged(table))) - 1);
    },
    readBack: async (table, csvPath) => {
      const lines = linesAfterFirst(staged(table), `Reading table ${table.table} back`);
      await pipeline(lines, createWriteStream(csvPath, { mode: 0o600 }));
      return countRecords(csvPath);
    },
    claim: (owner, tables) =>
      inFolder('Looking at the names of the target', async () => {
        const ledger = await ownLedger(owner.runId);
        // The version has no name yet.
        for (const { versioned: _, ...table } of tables) await claimFile(folder, ledger, owner.moduleId, table);
      }),
    commit: (entry, tables) =>
      inFolder('Publishing', async () => {
        if ((await find(folder, entry.uploadId))?.is === 'published') return;
        const ledger = await ownLedger(entry.runId);
        for (const table of tables) {
          await claimFile(folder, ledger, entry.moduleId, table);
          if (!table.replace) await refuseLeft(folder, ledger, entry, table);
        }
        for (const table of tables)
          if (table.columns.some(({ name }) => /[",\n]/.test(name))) throw stageError('TARGET_COLUMN_UNUSABLE', { table: table.table });
        await publish(folder, upload, { entry, tables, stagedName });
      }),
    schemaOf: () => '',
    cleanUp: () => inFolder('Cleaning up', () => cleanUp(folder, { staged: prefix, partial: `${basename(intentFile)}.` }, upload.epoch)),
    close: async () => {},
  };
};
