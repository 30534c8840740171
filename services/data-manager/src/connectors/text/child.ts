/**
 * The reader process: foreign text is parsed here and nowhere else. It obeys its parent over the IPC channel and dies when that channel
 * closes. Started by `reader.ts` only.
 */
import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import { PassThrough, type Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createInflate, createInflateRaw } from 'node:zlib';
import { framesOf } from '@lethe/contracts/frames';
import { codeOf } from '../../domain/error-code.ts';
import { openCsvWriter, type CsvWriter } from '../csv-writer.ts';
import { csvHeader, csvRows, type RowMaker } from './csv-rows.ts';
import { DEFAULT_DIALECT } from './csv-options.ts';
import { openDecoder } from './decode.ts';
import { arrayRows, lineRows, type ArrayRows, type JsonSource } from './json-rows.ts';
import { TEXT_LIMITS } from './limits.ts';
import type { CheckText, HeaderText, OpenText, ReadText, TextResult, TextRequest, TextResponse, TextVerb } from './protocol.ts';
import { TextRefusal } from './refusal.ts';
import { NO_COUNTS, ScriptRows } from './read-script-rows.ts';
import { Tally } from './tally.ts';

const EMPTY: TextResult = { rowCount: 0, pagingValues: [], digest: '', segments: [], names: [], script: NO_COUNTS };

const send = (response: TextResponse): void => {
  process.send?.(response);
};

let session: { job: OpenText; writer: CsvWriter } | undefined;

const openSession = (job: OpenText): TextResult => {
  const writer = openCsvWriter(job.directory, job.prefix, (rowCount, sizeBytes) => send({ id: 0, progress: { rowCount, sizeBytes } }));
  session = { job, writer };
  return EMPTY;
};

type Maker = RowMaker & Partial<Pick<ArrayRows, 'textsAt' | 'digest'>>;

const makerOf = (job: OpenText, { format, object }: ReadText, tally: Tally, script: ScriptRows | undefined): Maker => {
  if (format.kind === 'csv') return csvRows(format, job.columns, object, tally);
  const source: JsonSource = { object, columns: job.columns, needsMembers: job.needsMembers, tally, ...(script ? { script } : {}) };
  return format.kind === 'lines' ? lineRows(source) : arrayRows(source, format);
};

/** `deflate` is a zlib stream; many servers send a bare one. */
const inflate = async (path: string): Promise<Transform> => {
  const file = await open(path);
  const { buffer } = await file.read(Buffer.alloc(2), 0, 2, 0).finally(() => file.close());
  const isZlib = (buffer.readUInt8(0) & 0x0f) === 8 && buffer.readUInt16BE(0) % 31 === 0;
  return isZlib ? createInflate() : createInflateRaw();
};

const UNPACK: Record<ReadText['packed'], (path: string) => Transform | Promise<Transform>> = {
  '': () => new PassThrough({ highWaterMark: TEXT_LIMITS.chunkBytes }),
  gzip: () => createGunzip(),
  deflate: inflate,
};

/** Reads one input to its end, or to what is wrong with it. */
const readText = async (job: OpenText, writer: CsvWriter, request: ReadText): Promise<TextResult> => {
  const { path, object, encoding, packed, format } = request;
  const tally = new Tally(object);
  const script = job.script && new ScriptRows(job.script, job.columns);
  const maker = makerOf(job, request, tally, script);
  const decoder = openDecoder(encoding);
  let rowCount = 0;
  let sizeBytes = 0;
  const take = async (bytes: Buffer, isEnd: boolean): Promise<void> => {
    const { text, invalid } = decoder.decode(bytes, isEnd);
    for (const row of maker.feed(text, isEnd && !invalid)) {
      rowCount += 1;
      await writer.write(row);
    }
    if (invalid) throw new TextRefusal('TEXT_ENCODING_INVALID', { object, line: maker.line, encoding: encoding.toUpperCase() });
  };
  await pipeline(createReadStream(path, { highWaterMark: TEXT_LIMITS.chunkBytes }), await UNPACK[packed](path), async (source) => {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      sizeBytes += chunk.length;
      if (packed !== '' && sizeBytes > TEXT_LIMITS.unpackedBytes)
        throw new TextRefusal('TEXT_UNPACKED_TOO_LARGE', { object, limit: TEXT_LIMITS.unpackedBytes });
      await take(chunk, false);
    }
  }).catch((error: unknown) => {
    throw codeOf(error).startsWith('Z_') ? new TextRefusal('TEXT_UNPACKABLE', { object, packed }) : error;
  });
  // A page without a byte has no rows, as one of null has none.
  if (sizeBytes > 0 || format.kind !== 'array' || !format.isPage) await take(Buffer.alloc(0), true);
  tally.assertNone();
  const pagingValues = format.kind === 'array' && sizeBytes > 0 ? (maker.textsAt?.(format.pagingPointers) ?? []) : [];
  if (pagingValues.some((value) => value !== null && value.length > TEXT_LIMITS.nextPageChars))
    throw new TextRefusal('NEXT_PAGE_TOO_LONG', { object, limit: TEXT_LIMITS.nextPageChars });
  return { ...EMPTY, rowCount, pagingValues, digest: maker.digest?.() ?? '', script: script?.counts ?? NO_COUNTS };
};

const checkText = async ({ path, object, columns }: CheckText): Promise<TextResult> => {
  const tally = new Tally(object);
  const header = { rowCount: 0, names: columns.map(({ name }) => name) };
  const maker = csvRows({ kind: 'csv', dialect: DEFAULT_DIALECT, header }, columns, object, tally);
  const decoder = openDecoder('utf-8');
  for await (const chunk of createReadStream(path, { highWaterMark: TEXT_LIMITS.chunkBytes }))
    maker.feed(decoder.decode(chunk as Buffer, false).text, false);
  return EMPTY;
};

const HEADER_BYTES = 1_048_576;

const readHeader = async ({ path }: HeaderText): Promise<TextResult> => {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
    const { text } = openDecoder('utf-8').decode(buffer.subarray(0, bytesRead), false);
    return { ...EMPTY, names: csvHeader(`${text}\n`, DEFAULT_DIALECT) };
  } finally {
    await file.close();
  }
};

const handle = async (request: TextVerb): Promise<TextResult> => {
  switch (request.verb) {
    case 'open':
      return openSession(request);
    case 'check':
      return checkText(request);
    case 'header':
      return readHeader(request);
    case 'read':
      return session ? readText(session.job, session.writer, request) : EMPTY;
    case 'close':
      return { ...EMPTY, segments: session ? await session.writer.end() : [] };
  }
};

/** Whether an error of the file system is of the file that is read, and not of those that are written. */
const isOf = (error: unknown, request: TextRequest): boolean => {
  const { path, syscall } = error as { path?: unknown; syscall?: unknown };
  return syscall === 'read' || ('path' in request && path === request.path);
};

const respond = async (request: TextRequest): Promise<void> => {
  try {
    send({ id: request.id, result: await handle(request) });
  } catch (error) {
    if (error instanceof TextRefusal) send({ id: request.id, refusal: { reason: error.reason, facts: error.facts } });
    // Of an unknown error only its code and where it came from: its text may quote the input.
    else send({ id: request.id, failure: { code: codeOf(error), frames: framesOf(error), isSource: isOf(error, request) } });
  }
};

let queue: Promise<void> = Promise.resolve();
process.on('message', (request: TextRequest) => {
  const before = queue;
  queue = before.then(() => respond(request));
});

process.on('disconnect', () => {
  process.kill(process.pid, 'SIGKILL');
});
