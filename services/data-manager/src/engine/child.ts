/**
 * The engine process: one DuckDB in memory, locked to one folder. It obeys its parent over the IPC channel and dies when that
 * channel closes. Started by `engine.ts` only.
 */
import { open } from 'node:fs/promises';
import { DuckDBInstance, StatementType, type DuckDBConnection } from '@duckdb/node-api';
import { quoteList } from '../plan/identifiers.ts';
import { copyInStatement, copyOutStatement } from './csv-dialect.ts';
import { classifyDatabaseError, EngineError, engineError } from './engine-error.ts';
import { ENGINE_LIMITS } from './limits.ts';
import type { CopyOutRequest, EngineResult, EngineRequest, EngineResponse, EngineVerb, OpenRequest } from './protocol.ts';

type Session = { instance: DuckDBInstance; connection: DuckDBConnection; memoryMb: number };

let session: Session | undefined;
let queue: Promise<void> = Promise.resolve();

const EMPTY: EngineResult = { columns: [], rows: [], rowCount: 0 };

const current = (): DuckDBConnection => {
  if (session === undefined) throw engineError('ENGINE_REFUSED', 'The engine is not open.');
  return session.connection;
};

const openDatabase = async (request: OpenRequest): Promise<EngineResult> => {
  if (session !== undefined) throw engineError('ENGINE_REFUSED', 'The engine is open already.');
  const instance = await DuckDBInstance.create(':memory:', {
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
    allow_community_extensions: 'false',
    allow_unsigned_extensions: 'false',
    allow_persistent_secrets: 'false',
    memory_limit: `${request.memoryMb}MiB`,
    threads: String(request.threads),
    temp_directory: `${request.directory}/.engine-${process.pid}`,
  });
  const connection = await instance.connect();
  // Given at creation, this limit is shown but not enforced (DuckDB 1.5.5).
  await connection.run(`SET max_temp_directory_size = '${request.temporaryMb}MiB'`);
  // The order is part of the lock: each setting can only be made before the next one forbids it.
  await connection.run("SET TimeZone = 'UTC'");
  await connection.run(`SET allowed_directories = ${quoteList([request.directory])}`);
  await connection.run('SET enable_external_access = false');
  await connection.run('SET lock_configuration = true');
  session = { instance, connection, memoryMb: request.memoryMb };
  return EMPTY;
};

/** Values come as text by a cast inside the engine: a detour through JavaScript numbers would round decimals. */
const runSql = async (statement: string): Promise<EngineResult> => {
  const connection = current();
  const extracted = await connection.extractStatements(statement);
  if (extracted.count !== 1) throw engineError('ENGINE_REFUSED', 'Exactly one statement is allowed at a time.');
  const prepared = await extracted.prepare(0);
  if (prepared.statementType !== StatementType.SELECT) {
    const result = await prepared.run();
    return { columns: [], rows: [], rowCount: result.rowsChanged };
  }
  const columns = Array.from({ length: prepared.columnCount }, (_, index) => prepared.columnName(index));
  prepared.destroySync();
  const inner = statement.replace(/[\s;]+$/u, '');
  const limit = Math.floor(ENGINE_LIMITS.resultCells / Math.max(1, columns.length));
  const reader = await connection.streamAndReadUntil(`SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (\n${inner}\n)`, limit + 1);
  if (reader.currentRowCount > limit) {
    throw engineError('ENGINE_REFUSED', 'The result has more values than a statement may return; write it to a file.');
  }
  const rows = reader.getRows().map((row) => row.map((value) => (value === null ? null : String(value))));
  return { columns, rows, rowCount: rows.length };
};

/** CREATE TABLE AS and COPY return the number of rows as their only value. */
const countWritten = async (statement: string): Promise<EngineResult> => {
  const reader = await current().runAndReadAll(statement);
  return { ...EMPTY, rowCount: Number(reader.getRows()[0]?.[0] ?? 0) };
};

const copyOut = async ({ query, path, format }: CopyOutRequest): Promise<EngineResult> => {
  const extracted = await current().extractStatements(query);
  const prepared = await extracted.prepare(0);
  const { columnCount } = prepared;
  prepared.destroySync();
  return countWritten(copyOutStatement({ query, path, format, columnCount, memoryMb: session?.memoryMb ?? 0 }));
};

/** Writes chunk after chunk: for each column its values, then the next chunk. The row count of each chunk stands before it. */
const writeIntegers = async (query: string, path: string): Promise<EngineResult> => {
  const result = await current().stream(query);
  const columns = result.columnNames();
  const refused = columns.find((_, index) => result.columnType(index).toString() !== 'INTEGER');
  if (refused !== undefined) throw engineError('ENGINE_REFUSED', 'Only INTEGER columns can be read as integers.');
  const file = await open(path, 'wx', 0o600);
  let rowCount = 0;
  try {
    for await (const chunk of result) {
      const block = new Int32Array(1 + chunk.rowCount * chunk.columnCount);
      block[0] = chunk.rowCount;
      let position = 1;
      for (let column = 0; column < chunk.columnCount; column += 1) {
        const vector = chunk.getColumnVector(column);
        for (let row = 0; row < chunk.rowCount; row += 1) {
          const value = vector.getItem(row);
          if (typeof value !== 'number') throw engineError('ENGINE_REFUSED', 'A column read as integers holds NULL.');
          block[position] = value;
          position += 1;
        }
      }
      await file.write(new Uint8Array(block.buffer));
      rowCount += chunk.rowCount;
    }
  } finally {
    await file.close();
  }
  return { columns, rows: [], rowCount };
};

const handle = async (request: EngineVerb): Promise<EngineResult> => {
  switch (request.verb) {
    case 'open':
      return openDatabase(request);
    case 'sql':
      return runSql(request.statement);
    case 'copyIn':
      return countWritten(copyInStatement(request.name, request.paths, request.columns));
    case 'copyOut':
      return copyOut(request);
    case 'integers':
      return writeIntegers(request.query, request.path);
    case 'interrupt':
    case 'close':
      return EMPTY;
  }
};

const respond = async (request: EngineRequest): Promise<void> => {
  let response: EngineResponse;
  try {
    response = { id: request.id, result: await handle(request) };
  } catch (error) {
    const failure = error instanceof EngineError ? { code: error.code, message: error.detail, line: 0 } : classifyDatabaseError(error);
    response = { id: request.id, failure };
  }
  process.send?.(response);
};

const serve = async (before: Promise<void>, request: EngineRequest): Promise<void> => {
  await before;
  await respond(request);
  if (request.verb !== 'close') return;
  session?.connection.closeSync();
  session?.instance.closeSync();
  process.disconnect?.();
};

process.on('message', (request: EngineRequest) => {
  if (request.verb === 'interrupt') {
    session?.connection.interrupt();
    return;
  }
  queue = serve(queue, request);
});

// A statement may hold the other threads for long, and an orderly exit would wait for them.
process.on('disconnect', () => {
  process.kill(process.pid, 'SIGKILL');
});
