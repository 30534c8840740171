import { copyFile, link, mkdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { quoteIdentifier, quoteList, quoteLiteral, quoteNames } from '../plan/identifiers.ts';
import { findStatementProblem } from './check-statement.ts';
import { openEngine, type Engine } from './engine.ts';
import { EngineError, engineError } from './engine-error.ts';
import { ENGINE_LIMITS } from './limits.ts';

/** A table that the statement sees as a view: its columns with their engine types, and its Parquet files, absolute. */
export type UserTable = {
  name: string;
  columns: { name: string; type: string }[];
  files: { path: string; sha256: string }[];
};

/**
 * `directory` is an empty folder of the step alone, absolute; the engine sees nothing else. `hashFile` returns a file's SHA-256.
 * `parameters` are texts that the statement reads by `getvariable('<name>')`.
 */
export type UserSqlOptions = {
  directory: string;
  statement: string;
  tables: UserTable[];
  parameters: Record<string, string>;
  hashFile: (path: string) => Promise<string>;
  signal: AbortSignal;
  timeoutMs?: number;
  memoryMb?: number;
  temporaryMb?: number;
};

/** The result as a table of the throw-away engine, for trusted statements that follow. */
export type UserResult = { engine: Engine; table: string; columns: { name: string; type: string }[]; outputFolder: string };

const RESULT = '_result';

const NAME = /^[A-Za-z][A-Za-z0-9_]{0,62}$/u;

/** Hard links cost nothing; the checksums afterwards say whether the shared bytes are still the same. */
const placeFile = async (from: string, to: string): Promise<void> => {
  try {
    await link(from, to);
  } catch {
    await copyFile(from, to);
  }
};

const placeInputs = async (folder: string, tables: readonly UserTable[]): Promise<Map<string, string[]>> => {
  const placed = new Map<string, string[]>();
  for (const [at, table] of tables.entries()) {
    const paths: string[] = [];
    for (const [index, file] of table.files.entries()) {
      const path = join(folder, `${at}-${index}-${basename(file.path)}`);
      await placeFile(file.path, path);
      paths.push(path);
    }
    placed.set(table.name, paths);
  }
  return placed;
};

const createView = (engine: Engine, table: UserTable, paths: readonly string[]): Promise<unknown> => {
  const empty = table.columns.map((column) => `CAST(NULL AS ${column.type}) AS ${quoteIdentifier(column.name)}`).join(', ');
  const names = quoteNames(table.columns.map((column) => column.name));
  const query = paths.length === 0 ? `SELECT ${empty} WHERE false` : `SELECT ${names} FROM read_parquet(${quoteList(paths)})`;
  return engine.sql(`CREATE VIEW ${quoteIdentifier(table.name)} AS ${query}`);
};

const pureFunctions = async (engine: Engine): Promise<Set<string>> => {
  const { rows } = await engine.sql(
    `SELECT lower(function_name) FROM duckdb_functions() WHERE function_type IN ('scalar', 'aggregate', 'macro')
     GROUP BY lower(function_name) HAVING bool_and(coalesce(stability, 'CONSISTENT') = 'CONSISTENT')`,
  );
  return new Set(rows.map(([name]) => name ?? ''));
};

const assertStatement = async (engine: Engine, options: UserSqlOptions): Promise<void> => {
  const { rows } = await engine.sql(`SELECT json_serialize_sql(${quoteLiteral(options.statement)})`);
  const serialized = rows[0]?.[0] ?? '{}';
  const problem = findStatementProblem(serialized, {
    tables: options.tables.map((table) => table.name),
    columns: options.tables.flatMap((table) => table.columns.map((column) => column.name)),
    functions: await pureFunctions(engine),
  });
  if (problem === undefined) return;
  const { position } = JSON.parse(serialized) as { position?: unknown };
  const line = typeof position === 'string' ? options.statement.slice(0, Number(position)).split('\n').length : 0;
  throw new EngineError({ code: 'ENGINE_REFUSED', message: problem, line });
};

const runWithTimeout = async (engine: Engine, statement: string, timeoutMs: number): Promise<void> => {
  const timer = setTimeout(engine.interrupt, timeoutMs);
  const killer = setTimeout(engine.kill, timeoutMs + ENGINE_LIMITS.interruptGraceMs);
  try {
    await engine.sql(statement);
  } finally {
    clearTimeout(timer);
    clearTimeout(killer);
  }
};

const PREFIX = `CREATE TABLE ${quoteIdentifier(RESULT)} AS`;

/** A failure of the person's own statement, with the line as the person counts it. */
const ofScript = (error: unknown, statement: string): unknown => {
  if (!(error instanceof EngineError)) return error;
  const line = Number(error.place.line ?? 0n) - 1;
  const isLine = line >= 1 && line <= statement.split('\n').length;
  return new EngineError({ code: error.code, message: error.detail, line: isLine ? line : 0 }, true);
};

const materialize = async (engine: Engine, options: UserSqlOptions): Promise<UserResult['columns']> => {
  for (const [name, value] of Object.entries(options.parameters)) {
    if (!NAME.test(name))
      throw new EngineError({ code: 'ENGINE_REFUSED', message: 'A parameter has a name that cannot be used.', line: 0 }, true);
    await engine.sql(`SET VARIABLE ${quoteIdentifier(name)} = ${quoteLiteral(value)}`);
  }
  const statement = `${PREFIX}\n${options.statement}`;
  await runWithTimeout(engine, statement, options.timeoutMs ?? ENGINE_LIMITS.userTimeoutMs).catch((error: unknown) => {
    throw ofScript(error, options.statement);
  });
  const { rows } = await engine.sql(
    `SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = ${quoteLiteral(RESULT)} ORDER BY column_index`,
  );
  return rows.map(([name, type]) => ({ name: name ?? '', type: type ?? '' }));
};

const assertUnchanged = async (options: UserSqlOptions): Promise<void> => {
  for (const table of options.tables) {
    for (const file of table.files) {
      if ((await options.hashFile(file.path)) !== file.sha256) {
        throw engineError('ENGINE_REFUSED', `An input file of table ${table.name} changed while a statement ran.`);
      }
    }
  }
};

/**
 * Runs one SELECT of a user in an engine process of its own, which sees only links to the tables' files and its output folder, has
 * one thread (the same rows give the same result, bit by bit) and ends afterwards. `use` gets the materialized result.
 *
 * Throws ENGINE_REFUSED for anything but one SELECT over the tables with pure functions, and where an input file is not what its
 * checksum says; ENGINE_INTERRUPTED after `timeoutMs`.
 */
export const runUserSql = async <Result>(options: UserSqlOptions, use: (result: UserResult) => Promise<Result>): Promise<Result> => {
  const inputFolder = join(options.directory, 'in');
  const outputFolder = join(options.directory, 'out');
  await mkdir(inputFolder, { mode: 0o700 });
  await mkdir(outputFolder, { mode: 0o700 });
  const placed = await placeInputs(inputFolder, options.tables);
  const engine = await openEngine({
    directory: options.directory,
    memoryMb: options.memoryMb ?? ENGINE_LIMITS.userMemoryMb,
    temporaryMb: options.temporaryMb ?? ENGINE_LIMITS.userTemporaryMb,
    threads: 1,
    signal: options.signal,
  });
  try {
    await assertStatement(engine, options).catch((error: unknown) => {
      throw error instanceof EngineError
        ? new EngineError({ code: error.code, message: error.detail, line: Number(error.place.line ?? 0n) }, true)
        : error;
    });
    for (const table of options.tables) await createView(engine, table, placed.get(table.name) ?? []);
    const columns = await materialize(engine, options);
    const result = await use({ engine, table: RESULT, columns, outputFolder });
    await assertUnchanged(options);
    return result;
  } finally {
    await engine.close();
  }
};
