import { existsSync } from 'node:fs';
import { copyFile, link } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier, quoteList, quoteNames } from '../../plan/identifiers.ts';
import { columnType, engineType } from '../../plan/types.ts';
import { readAnonymizeManifest, type TablePrivacy } from '../anonymize/anonymize.ts';
import { resultKeys, resultReferences } from '../anonymize/result-keys.ts';
import { assertHoldable } from '../../outbox/holdable.ts';
import { measureTable } from '../../outbox/measure.ts';
import { emptyCounts, readStageManifest, type Segment, type StageManifest, type StageTable } from '../stage-manifest.ts';
import { brokenReferences, type ResultKeys, type ResultReference } from '../../outbox/references.ts';
import { brokenRules, rowRules } from '../../outbox/row-rules.ts';
import { runIntoFolder, type StageContext } from '../stage.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';
import { STAGE_FOLDERS } from '../../folders.ts';

const STAGE = STAGE_FOLDERS[RunState.STORING];

/** A table as it is in the Outbox; `row_id` and the columns in this order are in each segment. */
export type StoredTable = {
  table: string;
  columns: Column[];
  segments: Segment[];
  rowCount: number;
  sizeBytes: number;
  contentHash: string;
  schemaHash: string;
  privacy: PrivacyResult;
};

const rowsOf = (columns: readonly Column[], paths: readonly string[]): string => {
  if (paths.length > 0) return `SELECT ${quoteNames(columns.map(({ name }) => name))} FROM read_parquet(${quoteList(paths)})`;
  const empty = columns.map((column) => `CAST(NULL AS ${engineType(columnType(column), DUCKDB)}) AS ${quoteIdentifier(column.name)}`);
  return `SELECT ${empty.join(', ')} WHERE false`;
};

const place = async (from: string, to: string): Promise<void> => {
  // A stage's files are never changed, so two stages may share them; other file systems get a copy.
  await link(from, to).catch(() => copyFile(from, to));
};

/** The stored rows of a table obey its rules, whatever a transform made of them. */
const checkRules = async (context: StageContext, source: StageTable, rows: string, keys: ResultKeys): Promise<void> => {
  const table = context.plan.results.find(({ name }) => name === source.table);
  invariant(table, `table ${source.table} is none of the plan`);
  const own = keys.keys.filter((key) => key.table === source.table).map(({ columns }) => columns);
  const problems = await brokenRules(context.engine, rows, rowRules(table, source.columns, keys), own);
  if (problems.length > 0) throw stageError('RESULT_INVALID', { table: source.table, problems: problems.join('; ') });
};

const storeTable = async (
  context: StageContext,
  { folder, source, found, keys }: { folder: string; source: StageTable; found: TablePrivacy; keys: ResultKeys },
): Promise<StoredTable> => {
  const paths: string[] = [];
  for (const { path } of source.segments) {
    const target = join(folder, basename(path));
    await place(join(context.directory, path), target);
    paths.push(target);
  }
  await assertHoldable(context.engine, source.table, rowsOf(source.columns, paths), source.columns);
  const requirement = context.plan.results.find(({ name }) => name === source.table)?.privacy;
  const base = { intoAnonymizing: found.rowsIn, suppressed: found.suppressedCount };
  const rows = rowsOf(source.columns, paths);
  await checkRules(context, source, rows, keys);
  const measured = await measureTable(context.engine, {
    rows,
    columns: source.columns,
    requirement,
    base,
    tokenLengths: found.tokenLengths,
  });
  const levels = found.levels.map(({ column, level, highestLevel, fixed }) => ({ column, level, highestLevel, fixed }));
  return {
    ...measured,
    table: source.table,
    columns: source.columns,
    segments: source.segments.map((segment) => ({ ...segment, path: `${STAGE}/${basename(segment.path)}` })),
    sizeBytes: source.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    privacy: { ...measured.privacy, metric: found.metric, loss: found.loss, levels },
  };
};

const checkReferences = async (
  context: StageContext,
  folder: string,
  stored: StoredTable[],
  references: readonly ResultReference[],
): Promise<void> => {
  const queries = new Map(
    stored.map(({ table, columns, segments }) => [
      table,
      rowsOf(
        columns,
        segments.map(({ path }) => join(folder, basename(path))),
      ),
    ]),
  );
  for (const { table, sentence } of await brokenReferences(context.engine, references, queries))
    stored.find((candidate) => candidate.table === table)?.privacy.violations.push(sentence);
};

/** PrivacyResult has 64-bit counts, which JSON does not know: it is kept as its own bytes. */
type KeptTable = Omit<StoredTable, 'privacy' | 'columns'> & { privacy: string };
type StoreManifest = StageManifest & { stored: KeptTable[] } & ResultKeys;

const storeInto = async (context: StageContext, folder: string): Promise<StoreManifest> => {
  const { manifest: input, hash } = await readAnonymizeManifest(context.directory);
  const stored: StoredTable[] = [];
  const results = input.tables.map((table) => {
    const privacy = input.privacy.find((candidate) => candidate.table === table.table);
    invariant(privacy, `table ${table.table}: anonymization says nothing of it`);
    return { ...table, privacy };
  });
  const { results: planned } = context.plan;
  const keys = { keys: resultKeys(planned, results), references: resultReferences(planned, results) };
  for (const source of results) {
    context.signal.throwIfAborted();
    stored.push(await storeTable(context, { folder, source, found: source.privacy, keys }));
    context.onProgress({ table: source.table, rowCount: stored.at(-1)?.rowCount ?? 0, totalRowCount: stored.at(-1)?.rowCount ?? 0 });
  }
  await checkReferences(context, folder, stored, keys.references);
  const failures = stored.flatMap(({ table, privacy }) => privacy.violations.map((sentence) => `Table ${table}: ${sentence}`));
  if (failures.length > 0) throw stageError('GATE_CLOSED', { violations: failures.join(' ') });
  return {
    stage: STAGE,
    planHash: context.planHash,
    inputHash: hash,
    ...keys,
    tables: stored.map(({ table, columns, segments }) => ({ table, columns, segments })),
    reports: stored.map(({ table, rowCount }) => ({ ...emptyCounts(table), storedCount: rowCount })),
    stored: stored.map((table) => ({
      table: table.table,
      segments: table.segments,
      rowCount: table.rowCount,
      sizeBytes: table.sizeBytes,
      contentHash: table.contentHash,
      schemaHash: table.schemaHash,
      privacy: Buffer.from(PrivacyResult.encode(table.privacy).finish()).toString('base64'),
    })),
  };
};

/**
 * The stage STORING: puts the anonymized segments where the Outbox will have them, hashes the rows, and runs the gate on the stored files.
 * Throws RESULT_INVALID where the rows break a rule of their table, and GATE_CLOSED with the gate's sentences where something else does not
 * hold; then there is no `store` folder.
 */
export const store = (context: StageContext): Promise<StageManifest> =>
  runIntoFolder(context, STAGE, (folder) => storeInto(context, folder));

/** What was stored: from the run's folder, or from the Outbox where the files have moved there. */
export const readStored = async (directory: string, outbox: string): Promise<StoredTable[]> => {
  const own = join(directory, STAGE);
  const { manifest } = await readStageManifest(!existsSync(own) && existsSync(outbox) ? outbox : own, STAGE);
  if (!('stored' in manifest)) throw stageError('MANIFEST_INVALID', { stage: STAGE });
  return (manifest as StoreManifest).stored.map((stored) => ({
    ...stored,
    columns: manifest.tables.find(({ table }) => table === stored.table)?.columns ?? [],
    privacy: PrivacyResult.decode(Buffer.from(stored.privacy, 'base64')),
  }));
};
