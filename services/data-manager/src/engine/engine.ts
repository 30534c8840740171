import { spawnNode } from '@lethe/contracts/child';
import { framesOf, Place } from '@lethe/contracts/frames';
import { watchResident } from '@lethe/contracts/resident';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CopyFormat, CsvColumn } from './csv-dialect.ts';
import { EngineError, engineError } from './engine-error.ts';
import { ENGINE_LIMITS } from './limits.ts';
import type { EngineResult, EngineResponse, EngineVerb } from './protocol.ts';

export type { CsvColumn } from './csv-dialect.ts';

/** `directory` is absolute and the only tree that the engine may touch; an abort of `signal` kills the process. */
export type EngineOptions = {
  directory: string;
  memoryMb?: number;
  threads?: number;
  temporaryMb?: number;
  /** What the process may have resident. */
  residentMb?: number;
  signal?: AbortSignal;
};

/** Every value as its text; BIGINT and DECIMAL are exact. `rowCount` is the number of rows changed for statements without a result. */
export type SqlResult = { columns: string[]; rows: (string | null)[][]; rowCount: number };

export type Engine = {
  /** One statement. */
  sql(statement: string): Promise<SqlResult>;
  /** Reads header-less csv files (see `csv-dialect.ts`) exactly into a table of that name and returns the number of rows. */
  copyIn(name: string, paths: string[], columns: CsvColumn[]): Promise<number>;
  /** Writes a query's rows to a file and returns rows and bytes: csv as above, or Parquet. */
  copyOut(query: string, path: string, format: CopyFormat): Promise<{ rowCount: number; sizeBytes: number }>;
  /** A query of INTEGER columns without NULLs, as one typed array a column, through a file in the directory. */
  integers(query: string): Promise<Int32Array[]>;
  /** Stops the running statement; it rejects with ENGINE_INTERRUPTED. */
  interrupt(): void;
  /** Kills at once; what is under way rejects with ENGINE_DIED. */
  kill(): void;
  close(): Promise<void>;
  readonly pid: number;
};

/** `caller` was made where the engine was called. */
type Waiting = { resolve: (result: EngineResult) => void; reject: (error: Error) => void; caller: Place };

type Channel = { call(request: EngineVerb): Promise<EngineResult>; send(request: EngineVerb): void; exited: Promise<void>; kill(): void };

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

const startChild = (directory: string): ChildProcess =>
  spawnNode({ program: CHILD, heapMb: 512, directory, env: { UV_THREADPOOL_SIZE: '4' } });

/** An error of the other process with the frames of the call that met it. */
const placed = (error: EngineError, caller: Place): EngineError => {
  error.stack = [`${error.name}: ${error.message}`, ...framesOf(caller)].join('\n');
  return error;
};

const connectChild = (child: ChildProcess, residentMb: number, signal: AbortSignal | undefined): Channel => {
  const waiting = new Map<number, Waiting>();
  let nextId = 1;
  let over = false;
  let tooLarge = false;
  const died = (): Error => {
    if (signal?.aborted === true) return engineError('ENGINE_INTERRUPTED', 'The engine was stopped.');
    if (tooLarge) return engineError('ENGINE_MEMORY', 'The engine process had more memory than it may use.');
    return engineError('ENGINE_DIED', 'The engine process has ended.');
  };
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const stopWatching = watchResident({ pid: child.pid ?? 0, limitMb: residentMb, everyMs: ENGINE_LIMITS.watchEveryMs }, () => {
    tooLarge = true;
    kill();
  });
  const exited = new Promise<void>((resolve) => {
    const end = (): void => {
      over = true;
      stopWatching();
      signal?.removeEventListener('abort', kill);
      for (const entry of waiting.values()) entry.reject(died());
      waiting.clear();
      resolve();
    };
    child.once('exit', end);
    child.once('error', end);
  });
  signal?.addEventListener('abort', kill);
  child.on('message', (response: EngineResponse) => {
    const entry = waiting.get(response.id);
    waiting.delete(response.id);
    if ('result' in response) entry?.resolve(response.result);
    else entry?.reject(placed(new EngineError(response.failure), entry.caller));
  });
  const send = (message: EngineVerb & { id: number }): void => {
    child.send(message, (error) => {
      if (error === null) return;
      waiting.get(message.id)?.reject(died());
      waiting.delete(message.id);
    });
  };
  const call = (request: EngineVerb): Promise<EngineResult> =>
    new Promise((resolve, reject) => {
      if (over || !child.connected) {
        reject(died());
        return;
      }
      const id = nextId;
      nextId += 1;
      waiting.set(id, { resolve, reject, caller: new Place() });
      send({ ...request, id });
    });
  const sendOnly = (request: EngineVerb): void => {
    if (!over && child.connected) send({ ...request, id: 0 });
  };
  return { call, send: sendOnly, exited, kill };
};

const splitIntegers = (bytes: Buffer, columnCount: number, rowCount: number): Int32Array[] => {
  const columns = Array.from({ length: columnCount }, () => new Int32Array(rowCount));
  const values = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Int32Array.BYTES_PER_ELEMENT);
  let offset = 0;
  let row = 0;
  while (offset < values.length) {
    const size = values[offset] ?? 0;
    offset += 1;
    for (const column of columns) {
      column.set(values.subarray(offset, offset + size), row);
      offset += size;
    }
    row += size;
  }
  return columns;
};

const readIntegers = async (channel: Channel, directory: string, query: string): Promise<Int32Array[]> => {
  const path = join(directory, `.integers-${randomUUID()}`);
  try {
    const { columns, rowCount } = await channel.call({ verb: 'integers', query, path });
    return splitIntegers(await readFile(path), columns.length, rowCount);
  } finally {
    await rm(path, { force: true });
  }
};

const withTimeout = async (work: Promise<unknown>, timeoutMs: number, onTimeout: () => void): Promise<void> => {
  const timer = setTimeout(onTimeout, timeoutMs);
  try {
    await work;
  } finally {
    clearTimeout(timer);
  }
};

/**
 * Starts an engine process for one run. It sees `directory` and nothing else, has no extensions, no network and no secrets, and ends
 * with its parent. Errors are EngineErrors: a code and a fixed sentence.
 */
export const openEngine = async (options: EngineOptions): Promise<Engine> => {
  const { directory, signal } = options;
  if (signal?.aborted === true) throw engineError('ENGINE_INTERRUPTED', 'The engine was stopped.');
  const child = startChild(directory);
  const memoryMb = options.memoryMb ?? ENGINE_LIMITS.memoryMb;
  const residentMb = options.residentMb ?? memoryMb * ENGINE_LIMITS.residentFactor + ENGINE_LIMITS.residentExtraMb;
  const channel = connectChild(child, residentMb, signal);
  const removeTemporary = (): Promise<void> => rm(join(directory, `.engine-${child.pid ?? 0}`), { recursive: true, force: true });
  const opening = channel.call({
    verb: 'open',
    directory,
    memoryMb,
    threads: options.threads ?? ENGINE_LIMITS.threads,
    temporaryMb: options.temporaryMb ?? ENGINE_LIMITS.temporaryMb,
  });
  await withTimeout(opening, ENGINE_LIMITS.openTimeoutMs, channel.kill).catch(async (error: unknown) => {
    channel.kill();
    await channel.exited;
    throw error;
  });
  return {
    sql: (statement) => channel.call({ verb: 'sql', statement }),
    copyIn: async (name, paths, columns) => (await channel.call({ verb: 'copyIn', name, paths, columns })).rowCount,
    copyOut: async (query, path, format) => {
      const { rowCount } = await channel.call({ verb: 'copyOut', query, path, format });
      return { rowCount, sizeBytes: (await stat(path)).size };
    },
    integers: (query) => readIntegers(channel, directory, query),
    interrupt: () => channel.send({ verb: 'interrupt' }),
    kill: channel.kill,
    close: async () => {
      channel.send({ verb: 'close' });
      await withTimeout(channel.exited, ENGINE_LIMITS.closeTimeoutMs, channel.kill);
      await removeTemporary();
    },
    pid: child.pid ?? 0,
  };
};
