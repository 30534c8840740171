// Rows of a JSON source → csv segments, in the form that the engine reads exactly: NULL is empty, the empty text is "".
import { once } from 'node:events';
import { createWriteStream, type WriteStream } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import { csvLine } from '../engine/csv-dialect.ts';
import type { WrittenSegment } from './connector.ts';

const SEGMENT_BYTES = 128 * 1024 * 1024;
const BUFFER_BYTES = 256 * 1024;

/** Writes rows into segments of about 128 MB. */
export type CsvWriter = { write: (values: (string | null)[]) => Promise<void>; end: () => Promise<WrittenSegment[]> };

/** Opens a writer of segments `<prefix><n>.csv` in a directory. */
export const openCsvWriter = (directory: string, prefix: string, onRows: (rowCount: number, sizeBytes: number) => void): CsvWriter => {
  const segments: WrittenSegment[] = [];
  let stream: WriteStream | undefined;
  let failure: Error | undefined;
  let buffer = '';
  let current: WrittenSegment = { segment: 0, path: '', rowCount: 0, sizeBytes: 0 };
  const flush = async (): Promise<void> => {
    if (failure) throw failure;
    if (!stream || buffer === '') return;
    const bytes = Buffer.from(buffer);
    buffer = '';
    current.sizeBytes += bytes.length;
    if (!stream.write(bytes)) await once(stream, 'drain');
  };
  const close = async (): Promise<void> => {
    if (!stream) return;
    await flush();
    stream.end();
    await finished(stream);
    segments.push(current);
    onRows(current.rowCount, current.sizeBytes);
    stream = undefined;
  };
  const open = (): void => {
    const segment = segments.length;
    current = { segment, path: `${prefix}${segment}.csv`, rowCount: 0, sizeBytes: 0 };
    stream = createWriteStream(join(directory, current.path), { mode: 0o600 });
    // It may come while nobody waits for the stream; the next write throws it.
    stream.on('error', (error) => {
      failure = error;
    });
  };
  return {
    write: async (values) => {
      if (!stream) open();
      buffer += csvLine(values);
      current.rowCount += 1;
      if (buffer.length >= BUFFER_BYTES) await flush();
      if (current.sizeBytes >= SEGMENT_BYTES) await close();
    },
    end: async () => {
      if (!stream && segments.length === 0) open();
      await close();
      return segments;
    },
  };
};
