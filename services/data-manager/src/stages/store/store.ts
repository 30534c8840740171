import { existsSync } from 'node:fs';
import { copyFile, link, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { PrivacyResult } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteIdentifier, quoteList, quoteNames } from '../../plan/identifiers.ts';
import { columnType, engineType } from '../../plan/types.ts';
import { readAnonymizeManifest, type TablePrivacy } from '../anonymize/anonymize.ts';
import { assertHoldable } from '../../outbox/holdable.ts';
import { measureTable } from '../../outbox/measure.ts';
import { emptyCounts, readManifest, type Segment, type StageManifest, type StageTable } from '../manifest.ts';
import { brokenReferences, type ResultReference } from '../../outbox/references.ts';
import { runIntoFolder, type StageContext } from '../stage.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';

const STAGE = 'store';

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

const storeTable = async (context: StageContext, folder: string, source: StageTable, found: TablePrivacy): Promise<StoredTable> => {
  const paths: string[] = [];
  for (const { path } of source.segments) {
    const target = join(folder, basename(path));
    await place(join(context.directory, path), target);
    paths.push(target);
  }
  await assertHoldable(context.engine, source.table, rowsOf(source.columns, paths), source.columns);
  const requirement = context.plan.results.find(({ name }) => name === source.table)?.privacy;
  const base = { intoAnonymizing: found.rowsIn, suppressed: found.suppressedCount };
  const measured = await measureTable(context.engine, {
    rows: rowsOf(source.columns, paths),
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

/** A key is one of the result when both tables are, and its columns are unchanged or tokens of the same domains. */
const resultReferences = (plan: readonly Table[], stored: readonly StoredTable[], privacy: readonly TablePrivacy[]): ResultReference[] =>
  plan.flatMap(({ name, foreignKeys }) => {
    const own = stored.find(({ table }) => table === name);
    const ownPrivacy = privacy.find(({ table }) => table === name);
    if (own === undefined || ownPrivacy === undefined) return [];
    return foreignKeys.flatMap(({ columns, referencedTable, referencedColumns }): ResultReference[] => {
      const target = stored.find(({ table }) => table === referencedTable);
      const targetPrivacy = privacy.find(({ table }) => table === referencedTable);
      if (target === undefined || targetPrivacy === undefined) return [];
      const holds = columns.every((column, index) => {
        const referenced = referencedColumns[index] ?? '';
        const present = own.columns.some((entry) => entry.name === column) && target.columns.some((entry) => entry.name === referenced);
        const changed = ownPrivacy.changedColumns.includes(column) || targetPrivacy.changedColumns.includes(referenced);
        return present && !changed && ownPrivacy.tokenDomains[column] === targetPrivacy.tokenDomains[referenced];
      });
      return holds ? [{ table: name, columns, referencedTable, referencedColumns }] : [];
    });
  });

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
type StoreManifest = StageManifest & { stored: KeptTable[]; references: ResultReference[] };

const storeInto = async (context: StageContext, folder: string): Promise<StoreManifest> => {
  const { manifest: input, hash } = await readAnonymizeManifest(context.directory);
  const stored: StoredTable[] = [];
  for (const source of input.tables) {
    context.signal.throwIfAborted();
    const found = input.privacy.find(({ table }) => table === source.table);
    invariant(found, `table ${source.table}: anonymization says nothing of it`);
    stored.push(await storeTable(context, folder, source, found));
    context.onProgress({ table: source.table, rowCount: stored.at(-1)?.rowCount ?? 0, totalRowCount: stored.at(-1)?.rowCount ?? 0 });
  }
  const references = resultReferences(context.plan.results, stored, input.privacy);
  await checkReferences(context, folder, stored, references);
  const failures = stored.flatMap(({ table, privacy }) => privacy.violations.map((sentence) => `Table ${table}: ${sentence}`));
  if (failures.length > 0) throw stageError('GATE_CLOSED', { violations: failures.join(' ') });
  return {
    stage: STAGE,
    planHash: context.planHash,
    inputHash: hash,
    references,
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
 * Throws an Error with the gate's sentences where something does not hold; then there is no `store` folder.
 */
export const store = (context: StageContext): Promise<StageManifest> =>
  runIntoFolder(context.directory, STAGE, (folder) => storeInto(context, folder));

/** The manifest after the folder got the run's name. */
const readMoved = async (outbox: string): Promise<StageManifest> => {
  const manifest = JSON.parse(await readFile(join(outbox, 'manifest.json'), 'utf8')) as StageManifest;
  return {
    ...manifest,
    tables: manifest.tables.map((table) => ({ ...table, columns: table.columns.map((column) => Column.fromPartial(column)) })),
  };
};

/** What was stored: from the run's folder, or from the Outbox where the files have moved there. */
export const readStored = async (directory: string, outbox: string): Promise<StoredTable[]> => {
  const moved = !existsSync(join(directory, STAGE)) && existsSync(outbox);
  const manifest = moved ? await readMoved(outbox) : (await readManifest(directory, STAGE)).manifest;
  if (!('stored' in manifest)) throw stageError('MANIFEST_INVALID', { stage: STAGE });
  return (manifest as StoreManifest).stored.map((stored) => ({
    ...stored,
    columns: manifest.tables.find(({ table }) => table === stored.table)?.columns ?? [],
    privacy: PrivacyResult.decode(Buffer.from(stored.privacy, 'base64')),
  }));
};
