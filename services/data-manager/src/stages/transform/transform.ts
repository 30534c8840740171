import { createHash } from 'node:crypto';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { PinnedScript, TransformStep } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Column, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { columnsOf } from '../../connectors/text/columns.ts';
import { readFileInto } from '../../connectors/text/reader.ts';
import { readCsvExpression } from '../../engine/csv-dialect.ts';
import { withLongLines } from '../../engine/long-lines.ts';
import { runUserSql, type UserResult } from '../../engine/user-sql.ts';
import { DUCKDB } from '../../plan/dialect.ts';
import { quoteList, quoteNames } from '../../plan/identifiers.ts';
import { acceptedTypes, DROPPED_LINE_KEY, writeLinesStatement } from '../../plan/ndjson.ts';
import { resultValueSql, textValueSql } from '../../plan/script-result.ts';
import { columnType, engineType } from '../../plan/types.ts';
import {
  describeSegment,
  emptyCounts,
  hashFile,
  readManifest,
  type ScriptCount,
  type Segment,
  type StageManifest,
  type StageTable,
  type TableCounts,
} from '../stage-manifest.ts';
import { writeScriptRows, type WrittenFile } from './write-script-rows.ts';
import { runIntoFolder, withWorkFolder, workFolder, type StageContext } from '../stage.ts';
import { invariant } from '../../domain/defect.ts';
import { locating, stageError } from '../../domain/run-error.ts';
import { STAGE_FOLDERS } from '../../folders.ts';

const STAGE = STAGE_FOLDERS[RunState.TRANSFORMING];

/** Scratch of this stage alone: a folder a step. */
const SCRATCH = 'transform.scratch';

/**
 * Runs a TypeScript transform: rows in and out as lines of JSON (`plan/ndjson.ts` says how values are written). `rowCount` is the number of
 * lines written. A script that is called per row may write the line `{" dropped":1}` for a row that it drops.
 */
export type RunScript = (
  script: { content: string; wholeTable: boolean; parameters: Record<string, string> },
  input: { path: string; columns: Column[] },
  output: { path: string },
  signal: AbortSignal,
) => Promise<{ rowCount: number }>;

/** `scriptContent` returns the bytes of a pinned script as text; its hash is compared with the pinned one. */
export type TransformContext = StageContext & {
  runScript: RunScript;
  scriptContent: (script: PinnedScript, table: string) => Promise<string>;
  userTimeoutMs?: number;
};

type StepInput = {
  context: TransformContext;
  tables: Map<string, StageTable>;
  table: string;
  rank: number;
  columns: Column[];
  content: string;
  wholeTable: boolean;
  parameters: Record<string, string>;
  scratch: string;
  /** Where this stage's files are until it is done. */
  folder: string;
};

type StepResult = { files: WrittenFile[]; droppedCount: number };

const rowCountOf = (table: StageTable | undefined): number =>
  (table?.segments ?? []).reduce((total, segment) => total + segment.rowCount, 0);

const same = (left: Column, right: Column): boolean =>
  left.name === right.name && engineType(columnType(left), DUCKDB) === engineType(columnType(right), DUCKDB);

const resolveColumns = (step: TransformStep, current: StageTable | undefined, table: string): Column[] => {
  const declared = step.outputs?.columns ?? [];
  if (declared.length > 0) return declared;
  if (current !== undefined) return current.columns;
  throw stageError('TRANSFORM_COLUMNS_MISSING', { table });
};

const assertResultColumns = (table: string, result: UserResult, columns: readonly Column[]): void => {
  const missing = columns.filter((column) => !result.columns.some((found) => found.name === column.name));
  const extra = result.columns.filter((found) => !columns.some((column) => column.name === found.name));
  if (missing.length === 0 && extra.length === 0) return;
  const parts = [
    ...(missing.length === 0 ? [] : [`missing ${missing.map((column) => column.name).join(', ')}`]),
    ...(extra.length === 0 ? [] : [`${extra.length} not declared`]),
  ];
  throw stageError('TRANSFORM_COLUMNS_DIFFER', { table, differences: parts.join('; ') });
};

/** A segment of this stage still lies in the folder that is under way. */
const fileOf = (input: StepInput, segment: Segment): string =>
  segment.path.startsWith(`${STAGE}/`) ? join(input.folder, basename(segment.path)) : join(input.context.directory, segment.path);

const runSqlStep = async (input: StepInput): Promise<StepResult> => {
  const { context } = input;
  const tables = [...input.tables.values()].map((table) => ({
    name: table.table,
    columns: table.columns.map((column) => ({ name: column.name, type: engineType(columnType(column), DUCKDB) })),
    files: table.segments.map((segment) => ({ path: fileOf(input, segment), sha256: segment.sha256 })),
  }));
  const options = {
    directory: input.scratch,
    statement: input.content,
    tables,
    parameters: input.parameters,
    hashFile,
    signal: context.signal,
    ...(context.userTimeoutMs === undefined ? {} : { timeoutMs: context.userTimeoutMs }),
  };
  const files = await runUserSql(options, (result) => {
    assertResultColumns(input.table, result, input.columns);
    const typeOf = (name: string): string => result.columns.find((column) => column.name === name)?.type ?? '';
    const values = input.columns.map((column) => resultValueSql(column, typeOf(column.name), DUCKDB));
    return writeScriptRows(result.engine, { ...input, from: result.table, values }, result.outputFolder);
  });
  return { files, droppedCount: 0 };
};

const runTypeScriptStep = async (input: StepInput): Promise<StepResult> => {
  const { context } = input;
  const current = input.tables.get(input.table);
  if (current === undefined) throw stageError('TRANSFORM_INPUT_MISSING', { table: input.table });
  const inputPath = join(input.scratch, 'in.ndjson');
  const outputPath = join(input.scratch, 'out.ndjson');
  const names = quoteNames(current.columns.map((column) => column.name));
  const paths = quoteList(current.segments.map((segment) => fileOf(input, segment)));
  const empty = current.columns.map((column) => `CAST(NULL AS ${engineType(columnType(column), DUCKDB)}) AS ${quoteNames([column.name])}`);
  const rows =
    current.segments.length === 0
      ? `SELECT ${empty.join(', ')} WHERE false`
      : `SELECT ${names} FROM read_parquet(${paths}) ORDER BY row_id`;
  await context.engine.sql(writeLinesStatement(rows, current.columns, inputPath, DUCKDB));
  const script = { content: input.content, wholeTable: input.wholeTable, parameters: input.parameters };
  await context.runScript(script, { path: inputPath, columns: current.columns }, { path: outputPath }, context.signal);
  return readOutput(input, outputPath);
};

/** What a script prints is foreign text like a file. */
const readOutput = async (input: StepInput, path: string): Promise<StepResult> => {
  const { context, table, columns, scratch } = input;
  const names = columns.map(({ name }) => name);
  const script = { types: columns.map((column) => acceptedTypes(columnType(column))), dropped: DROPPED_LINE_KEY };
  const shared = { table, directory: scratch, prefix: 'out-', signal: context.signal, onRows: () => undefined };
  const { segments, script: found } = await readFileInto(
    { ...shared, columns: columnsOf(names, {}), needsMembers: false, script },
    { path, object: `The output of the script of table ${table}`, encoding: 'utf-8', packed: '', format: { kind: 'lines' } },
  );
  if (found.strange > 0) throw stageError('SCRIPT_LINES_INVALID', { table, count: found.strange });
  if (found.undeclared > 0) throw stageError('SCRIPT_COLUMNS_UNDECLARED', { table, count: found.undeclared });
  if (input.wholeTable && found.dropped > 0) throw stageError('SCRIPT_ROWS_DROPPED', { table });
  const paths = segments.map((segment) => join(scratch, segment.path));
  const texts = columns.map((_, index) => ({ name: `c${index}`, type: 'VARCHAR' }));
  const values = columns.map((column, index) => textValueSql(column, index, DUCKDB));
  const files = await withLongLines((lineBytes) =>
    writeScriptRows(
      context.engine,
      { table, rank: input.rank, columns, from: readCsvExpression(paths, texts, lineBytes), values, bad: found.bad },
      scratch,
    ),
  );
  return { files, droppedCount: found.dropped };
};

const findScript = (context: TransformContext, step: TransformStep): PinnedScript => {
  const reference = step.binding?.script;
  const pinned = context.plan.scripts.find((script) => script.scriptId === reference?.scriptId && script.version === reference.version);
  if (pinned === undefined) throw stageError('SCRIPT_MISSING', { table: step.binding?.table ?? '' });
  return pinned;
};

const readContent = async (context: TransformContext, script: PinnedScript, table: string): Promise<string> => {
  const content = await context.scriptContent(script, table);
  const hash = createHash('sha256').update(content).digest('hex');
  if (hash !== script.contentHash) throw stageError('SCRIPT_CHANGED', { table });
  return content;
};

/** A row of a per-row script without output is removed; what goes beyond one row for each of the others is added. */
const countScript = (
  script: PinnedScript,
  rank: number,
  { inCount, outCount, droppedCount }: { inCount: number; outCount: number; droppedCount: number },
): ScriptCount => {
  const removedCount = Math.max(droppedCount, inCount - outCount, 0);
  return { scriptId: script.scriptId, rank, inCount, outCount, removedCount, addedCount: outCount - inCount + removedCount };
};

const keepFiles = async (folder: string, files: readonly WrittenFile[]): Promise<Segment[]> => {
  const segments: Segment[] = [];
  for (const file of files) {
    const name = basename(file.path);
    const target = join(folder, name);
    await rename(file.path, target);
    segments.push(await describeSegment(target, `${STAGE}/${name}`, file.rowCount));
  }
  return segments;
};

const runStep = async (
  context: TransformContext,
  step: TransformStep,
  { tables, reports, folder }: { tables: Map<string, StageTable>; reports: Map<string, TableCounts>; folder: string },
): Promise<void> => {
  const { binding } = step;
  invariant(binding, 'a transform has no binding');
  const { table, rank, parameters } = binding;
  const script = findScript(context, step);
  const current = tables.get(table);
  const scratch = join(workFolder(context, SCRATCH), String(rank));
  await mkdir(scratch, { recursive: true, mode: 0o700 });
  const input: StepInput = {
    context,
    tables,
    table,
    rank,
    columns: resolveColumns(step, current, table),
    content: await readContent(context, script, table),
    wholeTable: step.outputs?.wholeTable ?? false,
    parameters,
    scratch,
    folder,
  };
  const isSql = script.language.toLowerCase() === 'sql';
  const result = isSql ? await runSqlStep(input) : await runTypeScriptStep(input);
  const inCount = rowCountOf(current);
  const written: StageTable = { table, columns: input.columns, segments: await keepFiles(folder, result.files) };
  await rm(scratch, { recursive: true, force: true });
  tables.set(table, written);
  const report = reports.get(table) ?? emptyCounts(table);
  report.transformed.push(countScript(script, rank, { inCount, outCount: rowCountOf(written), droppedCount: result.droppedCount }));
  reports.set(table, report);
  for (const name of step.outputs?.drops ?? []) {
    if (!tables.delete(name)) throw stageError('TRANSFORM_DROPS_UNKNOWN', { table, object: name });
  }
  context.onProgress({ table, rowCount: rowCountOf(written), totalRowCount: rowCountOf(written) });
};

/** The tables as the plan says that they enter anonymization; its columns carry the roles. */
const matchResults = (tables: ReadonlyMap<string, StageTable>, results: readonly Table[]): StageTable[] => {
  const stray = [...tables.keys()].filter((name) => !results.some((result) => result.name === name));
  if (stray.length > 0) throw stageError('TRANSFORM_TABLES_UNKNOWN', { tables: stray.join(', ') });
  return results.map((result) => {
    const table = tables.get(result.name);
    if (table === undefined) throw stageError('TRANSFORM_TABLE_MISSING', { table: result.name });
    const differing = result.columns.find((column) => !table.columns.some((found) => same(found, column)));
    if (differing !== undefined || result.columns.length !== table.columns.length) {
      throw stageError('TRANSFORM_RESULT_DIFFERS', { table: result.name });
    }
    return { ...table, columns: result.columns };
  });
};

const transformInto = async (context: TransformContext, folder: string): Promise<StageManifest> => {
  const { manifest: rules, hash } = await readManifest(context.directory, STAGE_FOLDERS[RunState.APPLYING_RULES]);
  const tables = new Map(rules.tables.map((table) => [table.table, table]));
  const reports = new Map(rules.reports.map((report) => [report.table, report]));
  const steps = context.plan.transforms.toSorted((left, right) => (left.binding?.rank ?? 0) - (right.binding?.rank ?? 0));
  for (const step of steps) {
    context.signal.throwIfAborted();
    await locating({ table: step.binding?.table ?? '' }, () => runStep(context, step, { tables, reports, folder }));
  }
  const results = matchResults(tables, context.plan.results);
  for (const report of reports.values()) report.storedCount = rowCountOf(tables.get(report.table));
  return { stage: STAGE, planHash: context.planHash, inputHash: hash, tables: results, reports: [...reports.values()] };
};

/**
 * The stage TRANSFORMING: runs the plan's transforms in the order of their rank over what `rules/` left. A SQL script sees every current
 * table by name and writes the table of its binding; a TypeScript script reads and writes that table. Tables that no script writes keep
 * their segments. The rows of a script get new ids: rank of the script, segment, place by content. Throws a RunError with the table,
 * and column and count, where a script's rows are not as declared.
 */
export const transform = (context: TransformContext): Promise<StageManifest> =>
  withWorkFolder(context, SCRATCH, () => runIntoFolder(context, STAGE, (folder) => transformInto(context, folder)));
