import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { KeyConflict } from '@lethe/contracts/gen/lethe/module/v1/rules';
import type { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { readCsvExpression } from '../../engine/csv-dialect.ts';
import { assertLines } from '../../connectors/text/reader.ts';
import type { Engine } from '../../engine/engine.ts';
import { withLongLines } from '../../engine/long-lines.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteLiteral } from '../../plan/identifiers.ts';
import { literalChecks } from '../../plan/literals.ts';
import { assertPlannable } from '../../plan/plannable.ts';
import { countingQuery, keptRowsQuery, planCleaning, type CleanPlan } from '../../plan/project.ts';
import { filledQuery, fillStatement } from '../../plan/fill.ts';
import { rowIdBounds } from '../../plan/row-id.ts';
import { applyKeys, dropKeyTables, type KeyResult } from './apply-keys.ts';
import { assertConserved } from '../conserve.ts';
import {
  describeSegment,
  emptyCounts,
  readExtractManifest,
  type ExtractSource,
  type Segment,
  type StageManifest,
  type TableCounts,
} from '../stage-manifest.ts';
import { columnsOfSource } from '@lethe/module/source-place';
import { runIntoFolder, withWorkFolder, workFolder, type StageContext } from '../stage.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError } from '../../domain/run-error.ts';
import { STAGE_FOLDERS } from '../../folders.ts';

const STAGE = STAGE_FOLDERS[RunState.APPLYING_RULES];

/** Scratch of this stage alone: the sources as Parquet, one file a segment. */
const RAW = 'rules.raw';

type RawSegment = { rank: number; segment: number; rowCount: number; query: string };

type LoadedTable = {
  table: Table;
  clean: CleanPlan;
  sources: ExtractSource[];
  segments: RawSegment[];
  source: string;
  mergedCount: number;
};

const emptySource = (table: Table): string =>
  `SELECT CAST(0 AS BIGINT) AS row_id${table.columns.map((_, index) => `, CAST(NULL AS VARCHAR) AS c${index}`).join('')} WHERE false`;

/** Turns one csv segment into Parquet. The order of rows is kept: a row's number in the file is the last part of its id. */
const loadSegment = async (
  context: StageContext,
  table: Table,
  source: ExtractSource,
  entry: ExtractSource['segments'][number],
): Promise<RawSegment> => {
  const { rank } = source;
  const file = join(workFolder(context, RAW), `${table.name}-${rank}-${entry.segment}.parquet`);
  const read = columnsOfSource(table, source);
  const columns = read.map((_, index) => ({ name: `r${index}`, type: 'VARCHAR' }));
  const path = join(context.directory, entry.path);
  const { firstRowId } = rowIdBounds(rank, entry.segment, entry.rowCount);
  await withLongLines((lineBytes) => {
    return context.engine.copyOut(`FROM ${readCsvExpression([path], columns, lineBytes)}`, file, 'rawParquet');
  }).catch(async (error: unknown) => {
    // Where a value is too long for the engine, the error names its column.
    await assertLines(path, `Table ${table.name}, source ${rank}`, read, context.signal);
    throw error;
  });
  const cells = table.columns.map(
    ({ name }, index) => `${read.includes(name) ? `r${read.indexOf(name)}` : 'CAST(NULL AS VARCHAR)'} AS c${index}`,
  );
  const query = `SELECT ${firstRowId} + file_row_number AS row_id, ${cells.join(', ')} FROM read_parquet(${quoteLiteral(file)}, file_row_number = true)`;
  const { rows } = await context.engine.sql(`SELECT count(*) FROM read_parquet(${quoteLiteral(file)})`);
  const rowCount = Number(rows[0]?.[0]);
  if (rowCount !== entry.rowCount) {
    throw stageError('SEGMENT_DIFFERS', { table: table.name, rank, segment: entry.segment, count: entry.rowCount, found: rowCount });
  }
  return { rank, segment: entry.segment, rowCount, query };
};

const loadTable = async (context: StageContext, table: Table, sources: ExtractSource[]): Promise<LoadedTable> => {
  const segments: RawSegment[] = [];
  const ordered = sources.filter((source) => source.table === table.name).toSorted((left, right) => left.rank - right.rank);
  for (const source of ordered) {
    for (const entry of source.segments.toSorted((left, right) => left.segment - right.segment)) {
      segments.push(await loadSegment(context, table, source, entry));
    }
  }
  const source = segments.length === 0 ? emptySource(table) : segments.map((segment) => segment.query).join(' UNION ALL ');
  return { table, clean: planCleaning(table, DUCKDB), sources: ordered, segments, source, mergedCount: 0 };
};

/** Checks in the engine itself whether replacements and bounds can be read as the types of their columns. */
const assertLiterals = async (engine: Engine, tables: readonly Table[]): Promise<void> => {
  const checks = literalChecks(tables, DUCKDB);
  if (checks.length === 0) return;
  const { rows } = await engine.sql(`SELECT ${checks.map((check, index) => `coalesce(${check.sql}, false) AS ok${index}`).join(', ')}`);
  const failed = checks.filter((_, index) => rows[0]?.[index] !== 'true');
  if (failed.length === 0) return;
  throw stageError('RULE_UNREADABLE', {
    problems: failed.map((check) => `Table ${check.table}, ${check.rule}: ${check.message}`).join(' '),
  });
};

/** Counts what the rules for single values do to a table. Throws where a cast fails whose policy is Fail. */
const countCleaning = async (engine: Engine, loaded: LoadedTable): Promise<TableCounts> => {
  const counts = emptyCounts(loaded.table.name);
  const { rows } = await engine.sql(countingQuery(loaded.clean, loaded.source));
  const failures: string[] = [];
  for (const [code, count, ...flags] of rows) {
    if (code === null || code === undefined) {
      for (const [index, counter] of loaded.clean.counters.entries()) {
        counts[counter.kind].push({ rule: counter.rule, count: Number(flags[index] ?? 0) });
      }
      continue;
    }
    const rule = loaded.clean.rowRules[Number(code)];
    invariant(rule, 'a row was dropped by a rule that there is not');
    if (rule.fails) failures.push(`column ${rule.column}: ${String(count)} values cannot be read as the column's type (rule ${rule.name})`);
    else counts.dropped.push({ rule: rule.name, count: Number(count) });
  }
  if (failures.length > 0) throw stageError('CAST_FAILED', { table: loaded.table.name, failures: failures.join('; ') });
  counts.read = loaded.sources.map((source) => ({
    rank: source.rank,
    source: source.source,
    sourceName: source.sourceName,
    rowCount: source.segments.reduce((total, segment) => total + segment.rowCount, 0),
    sizeBytes: source.segments.reduce((total, segment) => total + segment.sizeBytes, 0),
  }));
  return counts;
};

/** Makes the records of one key one, where the table asks for that. A value that cannot be read fails the run wherever it is. */
const fill = async (engine: Engine, loaded: LoadedTable): Promise<LoadedTable> => {
  const { table, clean, source, segments } = loaded;
  if (table.primaryKey?.conflict !== KeyConflict.FILL || segments.length === 0) return loaded;
  await countCleaning(engine, loaded);
  await engine.sql(fillStatement(table, { source, clean: clean.query(source) }, DUCKDB));
  const { rows } = await engine.sql(`SELECT count(*) FROM (${filledQuery(table)})`);
  const rowCount = segments.reduce((total, segment) => total + segment.rowCount, 0);
  return {
    ...loaded,
    source: filledQuery(table),
    segments: segments.map((segment) => ({
      ...segment,
      query: filledQuery(table, rowIdBounds(segment.rank, segment.segment, segment.rowCount)),
    })),
    mergedCount: rowCount - Number(rows[0]?.[0]),
  };
};

const writeSegments = async (context: StageContext, loaded: LoadedTable, keys: KeyResult, folder: string): Promise<Segment[]> => {
  const segments: Segment[] = [];
  const totalRowCount = loaded.segments.reduce((total, segment) => total + segment.rowCount, 0);
  let rowCount = 0;
  for (const segment of loaded.segments) {
    context.signal.throwIfAborted();
    const name = `${loaded.table.name}-${segment.rank}-${segment.segment}.parquet`;
    const file = join(folder, name);
    const bounds = rowIdBounds(segment.rank, segment.segment, segment.rowCount);
    const clean = loaded.clean.query(segment.query);
    const { droppedTable, replacements } = keys;
    const query = keptRowsQuery(loaded.table, clean, { droppedTable, replacements, bounds }, DUCKDB);
    const written = await context.engine.copyOut(query, file, 'parquet');
    // A segment of which nothing stays is not worth a file.
    if (written.rowCount === 0) await rm(file);
    else segments.push(await describeSegment(file, `${STAGE}/${name}`, written.rowCount));
    rowCount += segment.rowCount;
    context.onProgress({ table: loaded.table.name, rowCount, totalRowCount });
  }
  return segments;
};

const assertSources = (sources: readonly ExtractSource[], tables: readonly Table[]): void => {
  const stray = sources.find((source) => !tables.some((table) => table.name === source.table));
  if (stray !== undefined) throw stageError('EXTRACTED_TABLE_UNKNOWN', { table: stray.table });
};

const applyInto = async (context: StageContext, folder: string): Promise<StageManifest> => {
  const { engine, plan, directory } = context;
  const { manifest: extract, hash } = await readExtractManifest(directory);
  assertSources(extract.sources, plan.tables);
  await assertLiterals(engine, plan.tables);
  const loadedTables: LoadedTable[] = [];
  const counted = new Map<string, TableCounts>();
  for (const table of plan.tables) {
    context.signal.throwIfAborted();
    const loaded = await fill(engine, await loadTable(context, table, extract.sources));
    loadedTables.push(loaded);
    counted.set(table.name, await countCleaning(engine, loaded));
  }
  context.signal.throwIfAborted();
  const keys = await applyKeys(engine, loadedTables);
  const manifest: StageManifest = { stage: STAGE, planHash: context.planHash, inputHash: hash, tables: [], reports: [] };
  for (const loaded of loadedTables) {
    const result = keys.get(loaded.table.name);
    const counts = counted.get(loaded.table.name);
    invariant(result && counts, `table ${loaded.table.name} was not worked on`);
    const segments = await writeSegments(context, loaded, result, folder);
    counts.dropped.push(...result.dropped);
    counts.mergedCount = loaded.mergedCount + result.mergedCount;
    counts.fellBackCount = result.fellBackCount;
    counts.storedCount = segments.reduce((total, segment) => total + segment.rowCount, 0);
    assertConserved(counts, counts.storedCount);
    manifest.tables.push({ table: loaded.table.name, columns: loaded.table.columns, segments });
    manifest.reports.push(counts);
  }
  await dropKeyTables(engine, plan.tables);
  return manifest;
};

/**
 * The stage APPLYING_RULES: reads what extraction wrote (`extract/manifest.json` and its csv segments), applies empty, cast, range,
 * primary key and foreign key in this order, and writes `rules/`: Parquet segments (`row_id`, then the columns) and the manifest with
 * the counts; `storedCount` there is the number of rows that stay. The same input gives the same rows. Throws a RunError with
 * table, column, rule and count where a cast fails whose policy is Fail, where a rule cannot be used, or where rows do not add up.
 */
export const applyRules = async (context: StageContext): Promise<StageManifest> => {
  assertPlannable(context.plan);
  return withWorkFolder(context, RAW, () => runIntoFolder(context, STAGE, (folder) => applyInto(context, folder)));
};
