import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { WrittenSegment } from '../connectors/connector.ts';
import { STAGE_FOLDERS, type StageFolder } from '../folders.ts';
import { MANIFEST, readManifestIn } from '../outbox/manifest.ts';

const EXTRACT = STAGE_FOLDERS[RunState.EXTRACTING];

/** A file of rows; `path` is relative to the run folder, `sha256` is hex. */
export type Segment = { path: string; rowCount: number; sizeBytes: number; sha256: string };

/** A table as a stage leaves it. Each Parquet segment has `row_id` (BIGINT) and then the columns in this order. */
export type StageTable = { table: string; columns: Column[]; segments: Segment[] };

export type RuleCount = { rule: string; count: number };
export type SourceCount = { rank: number; source: string; sourceName: string; rowCount: number; sizeBytes: number };
export type ScriptCount = {
  scriptId: string;
  rank: number;
  inCount: number;
  outCount: number;
  addedCount: number;
  removedCount: number;
};

/** The counts of one table, field by field as in the message TableReport. */
export type TableCounts = {
  table: string;
  read: SourceCount[];
  replaced: RuleCount[];
  clamped: RuleCount[];
  dropped: RuleCount[];
  castFailed: RuleCount[];
  mergedCount: number;
  fellBackCount: number;
  suppressedCount: number;
  storedCount: number;
  transformed: ScriptCount[];
};

/** `inputHash` is the SHA-256 of the manifest that the stage read: a stage whose input changed is done again. */
export type StageManifest = {
  stage: StageFolder;
  planHash: string;
  inputHash: string;
  tables: StageTable[];
  reports: TableCounts[];
};

/** What extraction wrote of one source of one table; the segments' paths are relative to the run folder. `sourceColumns` as in the plan. `source` names the source the same way for every table that it has; `sourceName` is the connection's. */
export type ExtractSource = {
  table: string;
  rank: number;
  source: string;
  sourceName: string;
  sourceColumns: string[];
  segments: WrittenSegment[];
};

export type ExtractManifest = { stage: typeof EXTRACT; planHash: string; sources: ExtractSource[] };

export const emptyCounts = (table: string): TableCounts => ({
  table,
  read: [],
  replaced: [],
  clamped: [],
  dropped: [],
  castFailed: [],
  mergedCount: 0,
  fellBackCount: 0,
  suppressedCount: 0,
  storedCount: 0,
  transformed: [],
});

/** The manifest's path inside the folder of its stage. */
export const manifestPath = (directory: string, stage: StageFolder): string => join(directory, stage, MANIFEST);

/** Writes a file under a temporary name and renames it, so that a reader sees all of it or none. */
export const writeFileAtomically = async (path: string, text: string): Promise<void> => {
  const temporary = `${path}.partial`;
  const file = await open(temporary, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
};

export const writeManifest = (folder: string, manifest: StageManifest | ExtractManifest): Promise<void> =>
  writeFileAtomically(join(folder, MANIFEST), `${JSON.stringify(manifest)}\n`);

const hashText = (text: string): string => createHash('sha256').update(text).digest('hex');

/** The manifest of the stage that wrote a folder, wherever the folder is, and the SHA-256 of its bytes. */
export const readStageManifest = async (folder: string, stage: StageFolder): Promise<{ manifest: StageManifest; hash: string }> => {
  const { text, manifest: read } = await readManifestIn(folder, stage);
  const manifest = read as StageManifest;
  // JSON has no absent message fields; the generated type wants them as undefined.
  const tables = manifest.tables.map((table) => ({ ...table, columns: table.columns.map((column) => Column.fromPartial(column)) }));
  return { manifest: { ...manifest, tables }, hash: hashText(text) };
};

/** The manifest of a stage in the run folder. Throws where there is none, or where it is another stage's. */
export const readManifest = (directory: string, stage: StageFolder): Promise<{ manifest: StageManifest; hash: string }> =>
  readStageManifest(join(directory, stage), stage);

export const readExtractManifest = async (directory: string): Promise<{ manifest: ExtractManifest; hash: string }> => {
  const { text, manifest } = await readManifestIn(join(directory, EXTRACT), EXTRACT);
  return { manifest: manifest as ExtractManifest, hash: hashText(text) };
};

const sum = (segments: readonly { rowCount: number }[]): number => segments.reduce((total, { rowCount }) => total + rowCount, 0);

/** How many rows came out of a stage that is done, over all tables. */
export const countRows = async (directory: string, stage: StageFolder): Promise<number> => {
  if (stage === EXTRACT) return sum((await readExtractManifest(directory)).manifest.sources.flatMap(({ segments }) => segments));
  return sum((await readManifest(directory, stage)).manifest.tables.flatMap(({ segments }) => segments));
};

/** SHA-256 of a file, hex. */
export const hashFile = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return hash.digest('hex');
};

/** Describes a written file as a segment; `path` is where it will be found, relative to the run folder. */
export const describeSegment = async (file: string, path: string, rowCount: number): Promise<Segment> => ({
  path,
  rowCount,
  sizeBytes: (await stat(file)).size,
  sha256: await hashFile(file),
});
