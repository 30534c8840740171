// csv → hidden files → renames, then the ledger file.
import { failpoint } from '@lethe/db/failpoint';
import { createReadStream, createWriteStream } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { parse } from 'csv-parse';
import {
  type ConnectorLimits,
  type LedgerEntry,
  type ResolvedConnection,
  type Target,
  type TargetUpload,
  type UploadTable,
} from '../connector.ts';
import { claimFile, digest, entryPath, fileOf, HIDDEN, readEntry, readLedger, writeEntry } from './ledger.ts';
import { inFolder } from './failure.ts';
import { folderOf } from './root.ts';
import { stageError } from '../../domain/run-error.ts';

const header = (table: UploadTable): string => `${table.columns.map(({ name }) => name).join(',')}\n`;

const countRecords = async (path: string): Promise<number> => {
  let count = 0;
  await pipeline(createReadStream(path), parse({ relax_column_count: true }), async (records: AsyncIterable<unknown>) => {
    for await (const record of records) if (record) count += 1;
  });
  return count;
};

/**
 * The writing side of a file connection. The ledger file is written after the renames: a crash between them is finished by the next try, which stages
 * the same rows again and renames them over the same names. Until then a reader of REPLACE may see some tables new and others old.
 */
export const fileTarget = async (connection: ResolvedConnection, limits: ConnectorLimits, upload: TargetUpload): Promise<Target> => {
  const folder = await folderOf(connection, limits);
  const hidden = join(folder, HIDDEN);
  await inFolder('Preparing the target', () => mkdir(hidden, { recursive: true, mode: 0o700 }));
  const entryFile = entryPath(folder, upload.uploadId, 'entry');
  const intentFile = entryPath(folder, upload.uploadId, 'intent');
  const prefix = `${digest(upload.stagingId)}.`;
  const staged = (table: UploadTable): string => join(hidden, `${prefix}${upload.epoch}.${digest(table.table)}.csv`);
  const epochOf = (name: string): number | undefined =>
    name.startsWith(prefix) ? Number(name.slice(prefix.length).split('.')[0]) : undefined;
  const final = (table: UploadTable): string => fileOf(folder, table.versioned);
  /** What another connection of the same run has published here is no earlier version. */
  const ownLedger = async (run: string): Promise<LedgerEntry[]> =>
    (await readLedger(folder)).filter((entry) => entry.runId !== run || entry.uploadId === upload.uploadId);
  return {
    probe: () => inFolder('Looking the upload up at the target', () => readEntry(entryFile)),
    stage: (table, csvPaths) =>
      inFolder(`Loading table ${table.table}`, async () => {
        const path = staged(table);
        await pipeline([header(table)], createWriteStream(path, { mode: 0o600 }));
        for (const source of csvPaths) await pipeline(createReadStream(source), createWriteStream(path, { flags: 'a' }));
        return (await countRecords(path)) - 1;
      }),
    readBack: async (table, csvPath) => {
      await inFolder(`Reading table ${table.table} back`, () => copyFile(staged(table), csvPath));
      return dropFirstLine(csvPath);
    },
    claim: (owner, tables) =>
      inFolder('Looking at the names of the target', async () => {
        const ledger = await ownLedger(owner.runId);
        // The version has no name yet.
        for (const { versioned: _, ...table } of tables) await claimFile(folder, ledger, owner.moduleId, table);
      }),
    commit: (entry, tables) =>
      inFolder('Publishing', async () => {
        if (await readEntry(entryFile)) return;
        const ledger = await ownLedger(entry.runId);
        for (const table of tables) await claimFile(folder, ledger, entry.moduleId, table);
        for (const table of tables)
          if (table.columns.some(({ name }) => /[",\n]/.test(name))) throw stageError('TARGET_COLUMN_UNUSABLE', { table: table.table });
        // The next try after a crash between the renames finds the names as its own.
        await writeEntry(intentFile, entry, upload.fence);
        await failpoint('upload.target.commit.before');
        for (const table of tables) {
          await upload.fence();
          await rename(staged(table), final(table));
        }
        await writeEntry(entryFile, entry, upload.fence);
        await rm(intentFile, { force: true });
        await failpoint('upload.target.commit.after');
      }),
    schemaOf: () => '',
    cleanUp: () =>
      inFolder('Cleaning up', async () => {
        for (const name of await readdir(hidden)) {
          const epoch = epochOf(name);
          if (epoch !== undefined && epoch <= upload.epoch) await rm(join(hidden, name), { force: true });
        }
      }),
    close: async () => {},
  };
};

/** The bytes of the first line with its end. Lethe wrote it itself: a line feed ends it. */
const firstLineBytes = async (path: string): Promise<number> => {
  let size = 0;
  for await (const chunk of createReadStream(path)) {
    const end = (chunk as Buffer).indexOf(10);
    if (end >= 0) return size + end + 1;
    size += (chunk as Buffer).length;
  }
  return size;
};

/** Takes the header line off a file and returns the records that are left. */
const dropFirstLine = async (path: string): Promise<number> => {
  const body = `${path}.body`;
  await pipeline(createReadStream(path, { start: await firstLineBytes(path) }), createWriteStream(body, { mode: 0o600 }));
  await rename(body, path);
  return countRecords(path);
};
