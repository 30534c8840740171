// A script tried on given rows, without a run.
import { stopwatch } from '@lethe/contracts/clock';
import type { TestRowsRequest, TestRowsResponse, TestTable } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { BaseType, Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { fail, invalidField } from '@lethe/grpc/errors';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { csvLine } from '../engine/csv-dialect.ts';
import { openEngine } from '../engine/engine.ts';
import { runUserSql } from '../engine/user-sql.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, engineType } from '../plan/types.ts';
import type { RunDeps } from '../deps.ts';
import { stageError, toRunError } from '../domain/run-error.ts';
import { removeFolder } from '../folders.ts';
import { hashFile } from '../stages/stage-manifest.ts';
import { SCRIPT_TIME_MS } from '../sandbox/limits.ts';
import { runScript } from '../sandbox/sandbox.ts';

const TIMEOUT_MS = 50_000;
const OUTPUT_ROWS = 1_000;
const MAX_COLUMNS = 1_600;
// What comes out is parsed here, beside the calls of others.
const OUTPUT_BYTES = 512 * 1024;

type Outcome = Omit<TestRowsResponse, 'durationMs'>;

type Row = TestTable['rows'][number];

// A name of a column may be one that every object has, as `constructor`.
const cellOf = (row: NonNullable<Row>, name: string): unknown => (Object.hasOwn(row, name) ? row[name] : undefined);

/** Columns of given rows: declared ones, else text, number or truth as the first row that has a value says. */
const columnsOf = ({ columns, rows }: TestTable): Column[] => {
  if (columns.length > 0) return columns;
  // The first value of each name, in one pass: rows may have many names that others do not.
  const firsts = new Map<string, unknown>();
  for (const row of rows)
    for (const [name, value] of Object.entries(row))
      if (firsts.get(name) === undefined || firsts.get(name) === null) firsts.set(name, value);
  if (firsts.size > MAX_COLUMNS) throw invalidField('tables', 'columns', `the rows of a table have at most ${MAX_COLUMNS} names`);
  return [...firsts].map(([name, value]) => {
    const base =
      typeof value === 'boolean'
        ? BaseType.BOOLEAN
        : typeof value === 'number'
          ? Number.isInteger(value)
            ? BaseType.INTEGER
            : BaseType.DOUBLE
          : BaseType.STRING;
    return Column.fromPartial({ name, type: { base } });
  });
};

const toText = (value: unknown): string | null =>
  value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value);

const writeTable = async (
  folder: string,
  table: TestTable,
  index: number,
): Promise<{ name: string; columns: { name: string; type: string }[]; files: { path: string; sha256: string }[] }> => {
  const columns = columnsOf(table).map((column) => ({ name: column.name, type: engineType(columnType(column), DUCKDB) }));
  const [csv, parquet] = [join(folder, `${index}.csv`), join(folder, `${index}.parquet`)];
  await writeFile(csv, table.rows.map((row) => csvLine(columns.map(({ name }) => toText(cellOf(row, name))))).join(''), {
    mode: 0o600,
  });
  const engine = await openEngine({ directory: folder, memoryMb: 128, threads: 1 });
  try {
    await engine.copyIn('sample', [csv], columns);
    await engine.copyOut(`SELECT ${columns.map(({ name }) => quoteIdentifier(name)).join(', ')} FROM sample`, parquet, 'parquet');
  } finally {
    engine.kill();
  }
  return { name: table.table, columns, files: [{ path: parquet, sha256: await hashFile(parquet) }] };
};

const runSql = async (request: TestRowsRequest, folder: string, signal: AbortSignal): Promise<Outcome> => {
  const inputs = join(folder, 'in');
  const directory = join(folder, 'run');
  await mkdir(inputs);
  await mkdir(directory);
  const tables = [];
  for (const [index, table] of request.tables.entries()) tables.push(await writeTable(inputs, table, index));
  const rows = await runUserSql(
    { directory, statement: request.content, tables, parameters: request.parameters, hashFile, signal, timeoutMs: TIMEOUT_MS },
    async ({ engine, table, columns }) => {
      const texts = columns.map(({ name }) => `CAST(${quoteIdentifier(name)} AS VARCHAR)`);
      const from = `FROM (SELECT * FROM ${quoteIdentifier(table)} LIMIT ${OUTPUT_ROWS})`;
      const bytes = texts.map((text) => `coalesce(strlen(${text}), 0)`).join(' + ');
      const size = await engine.sql(`SELECT coalesce(sum(${bytes}), 0) ${from}`);
      if (Number(size.rows[0]?.[0]) > OUTPUT_BYTES) throw stageError('SCRIPT_OUTPUT', { limit: OUTPUT_BYTES });
      const found = await engine.sql(`SELECT ${texts.join(', ')} ${from}`);
      return found.rows.map((values) => Object.fromEntries(values.map((value, index) => [columns[index]?.name ?? '', value])));
    },
  );
  return { rows, error: '', errorLine: 0 };
};

// How deep a value of a response may be nested.
const MAX_DEPTH = 64;

const isTooDeep = (value: unknown, depth = 0): boolean =>
  typeof value === 'object' && value !== null && (depth >= MAX_DEPTH || Object.values(value).some((each) => isTooDeep(each, depth + 1)));

/** A row of a script; what it wrote otherwise is an error of the script. */
const readOutput = (line: string): Record<string, unknown>[] => {
  try {
    const row: unknown = JSON.parse(line);
    if (typeof row !== 'object' || row === null || Array.isArray(row) || isTooDeep(row)) throw new SyntaxError('no row');
    return Object.hasOwn(row, ' dropped') ? [] : [row as Record<string, unknown>];
  } catch (error) {
    throw stageError('SCRIPT_FAILED', { kind: 'Error', place: '' }, error);
  }
};

const runTypeScript = async (deps: RunDeps, request: TestRowsRequest, folder: string, signal: AbortSignal): Promise<Outcome> => {
  if (deps.isolation.deno === undefined) throw fail('SANDBOX_UNAVAILABLE');
  const [inputPath, outputPath] = [join(folder, 'in.ndjson'), join(folder, 'out.ndjson')];
  const table = request.tables.find((candidate) => candidate.table === request.table) ?? request.tables[0];
  await writeFile(inputPath, (table?.rows ?? []).map((row) => `${JSON.stringify(row)}\n`).join(''), { mode: 0o600 });
  const job = {
    content: request.content,
    mode: request.wholeTable ? ('table' as const) : ('row' as const),
    parameters: request.parameters,
    inputPath,
    outputPath,
    seed: 1,
    nowMs: SCRIPT_TIME_MS,
  };
  await runScript(deps.isolation, { ...job, limits: { timeoutMs: TIMEOUT_MS, outputBytes: OUTPUT_BYTES } }, signal);
  const lines = (await readFile(outputPath, 'utf8')).split('\n').filter((line) => line !== '');
  return { rows: lines.slice(0, OUTPUT_ROWS).flatMap(readOutput), error: '', errorLine: 0 };
};

/** Runs a script on given rows; what goes wrong in it is part of the response, not an error. */
export const runOnRows = async (deps: RunDeps, request: TestRowsRequest, signal: AbortSignal): Promise<TestRowsResponse> => {
  const durationMs = stopwatch();
  const folder = await mkdtemp(join(tmpdir(), 'lethe-test-rows-'));
  try {
    const outcome = request.language === 'SQL' ? await runSql(request, folder, signal) : await runTypeScript(deps, request, folder, signal);
    return { ...outcome, durationMs: durationMs() };
  } catch (thrown) {
    const error = toRunError(thrown);
    if (error.reason === 'INTERNAL') throw thrown;
    return {
      rows: [],
      error: `${error.reason}: ${error.message}`,
      errorLine: Number(error.place.line ?? 0n),
      durationMs: durationMs(),
    };
  } finally {
    await removeFolder(folder);
  }
};
