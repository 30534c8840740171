// Reads foreign text into csv segments, in a process of its own.
import { spawnNode } from '@lethe/contracts/child';
import { watchResident } from '@lethe/contracts/resident';
import type { ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { foreignError, stageError, toRunError } from '../../domain/run-error.ts';
import { fileError } from '../file/failure.ts';
import type { WrittenSegment } from '../connector.ts';
import { TEXT_LIMITS } from './limits.ts';
import type { OpenText, ReadText, ScriptCounts, TextResult, TextResponse, TextVerb } from './protocol.ts';

export type { ScriptCounts, TextColumn, TextFormat } from './protocol.ts';

/** What a reader is opened with. */
export type ReaderOptions = Omit<OpenText, 'verb'> & { signal: AbortSignal; onRows: (rowCount: number, sizeBytes: number) => void };

/** What was read of one input. */
export type ReadResult = Pick<TextResult, 'rowCount' | 'pagingValues' | 'digest' | 'script'>;

/** A process that reads inputs one after the other. Errors are RunErrors with line and name, never a text of the input. */
export type TextReader = {
  /** Appends the rows of a file to the segments. */
  read(input: Omit<ReadText, 'verb'>): Promise<ReadResult>;
  /** Ends the process and returns the segments. */
  close(): Promise<WrittenSegment[]>;
  kill(): void;
};

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url));

const startChild = (): ChildProcess => spawnNode({ program: CHILD, heapMb: TEXT_LIMITS.heapMb });

/** An error of the reader process that no catalogue has. */
class ReaderFailure extends Error {
  override name = 'ReaderFailure';
}

type TextFailure = Extract<TextResponse, { failure: object }>['failure'];

type Waiting = { object: string; resolve: (result: TextResult) => void; reject: (error: unknown) => void };

/** What the reader process could not do: with the file that it reads, or with its own. */
const failureOf = ({ code, frames, isSource }: TextFailure, object: string): unknown => {
  const failure = Object.assign(new ReaderFailure(), { code, stack: ['ReaderFailure', ...frames].join('\n') });
  return isSource ? fileError(failure, `Reading ${object.replace(/^The /, 'the ')}`) : toRunError(failure);
};

type Channel = { call: (request: TextVerb, object: string) => Promise<TextResult>; kill: () => void };

const connect = (child: ChildProcess, signal: AbortSignal | undefined, onRows: ReaderOptions['onRows']): Channel => {
  let waiting: Waiting | undefined;
  let nextId = 1;
  let isOver = false;
  const kill = (): void => {
    child.kill('SIGKILL');
  };
  const stopWatching = watchResident({ pid: child.pid ?? 0, limitMb: TEXT_LIMITS.residentMb, everyMs: TEXT_LIMITS.watchEveryMs }, kill);
  const end = (): void => {
    isOver = true;
    stopWatching();
    signal?.removeEventListener('abort', kill);
    waiting?.reject(signal?.aborted ? signal.reason : stageError('TEXT_READER_ENDED', { object: waiting.object }));
    waiting = undefined;
  };
  child.once('exit', end);
  child.once('error', end);
  signal?.addEventListener('abort', kill);
  if (signal?.aborted) kill();
  child.on('message', (response: TextResponse) => {
    if ('progress' in response) return onRows(response.progress.rowCount, response.progress.sizeBytes);
    const current = waiting;
    waiting = undefined;
    if ('result' in response) current?.resolve(response.result);
    else if ('refusal' in response) current?.reject(foreignError(response.refusal.reason, response.refusal.facts));
    else current?.reject(failureOf(response.failure, current.object));
  });
  const call: Channel['call'] = (request, object) =>
    new Promise((resolve, reject) => {
      waiting = { object, resolve, reject };
      if (isOver || !child.connected) return end();
      child.send({ ...request, id: nextId }, (error) => {
        if (error !== null) end();
      });
      nextId += 1;
    });
  return { call, kill };
};

/** Starts a reader for one source of a table. */
export const openReader = async ({ signal, onRows, ...job }: ReaderOptions): Promise<TextReader> => {
  const channel = connect(startChild(), signal, onRows);
  await channel.call({ verb: 'open', ...job }, `The source of table ${job.table}`);
  return {
    read: ({ object, ...input }) => channel.call({ verb: 'read', object, ...input }, object),
    close: async () => {
      const { segments } = await channel.call({ verb: 'close' }, job.table);
      channel.kill();
      return segments;
    },
    kill: channel.kill,
  };
};

/** Reads one file into segments. */
export const readFileInto = async (
  options: ReaderOptions,
  input: Omit<ReadText, 'verb'>,
): Promise<{ segments: WrittenSegment[]; script: ScriptCounts }> => {
  const reader = await openReader(options);
  try {
    const { script } = await reader.read(input);
    return { segments: await reader.close(), script };
  } finally {
    reader.kill();
  }
};

/** The names in the headers of csv files, in the order of their paths. */
export const readHeaders = async (paths: readonly string[], signal: AbortSignal): Promise<string[][]> => {
  const channel = connect(startChild(), signal, () => {});
  try {
    const headers: string[][] = [];
    for (const path of paths) headers.push((await channel.call({ verb: 'header', path }, 'The file')).names);
    return headers;
  } finally {
    channel.kill();
  }
};

/** Throws where a record of a segment is longer than records may be, naming its line and column. */
export const assertLines = async (path: string, object: string, names: readonly string[], signal: AbortSignal): Promise<void> => {
  const channel = connect(startChild(), signal, () => {});
  try {
    const columns = names.map((name) => ({ name, source: name }));
    await channel.call({ verb: 'check', path, object, columns }, object);
  } finally {
    channel.kill();
  }
};
