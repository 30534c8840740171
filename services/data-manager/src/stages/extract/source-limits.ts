// What one source may take: time, bytes on this machine's disk, and bytes that its script is sent.
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { stageError, type RunError } from '../../domain/run-error.ts';

const LOOK_EVERY_MS = 500;

/** The limits of each source. */
export type SourceLimits = { sourceTimeoutMs: number; sourceMaxBytes: number };

/** A source that is read: its files are those of the directory whose names begin with the prefix. */
type Reading = { table: string; directory: string; prefix: string; signal: AbortSignal };

const writtenBytes = async ({ directory, prefix }: Reading): Promise<number> => {
  let sizeBytes = 0;
  for (const name of await readdir(directory))
    // A page goes as soon as it is read.
    if (name.startsWith(prefix))
      sizeBytes += await stat(join(directory, name)).then(
        ({ size }) => size,
        () => 0,
      );
  return sizeBytes;
};

/** Reads a source within its limits: `work` gets the signal that ends it, and tells of bytes that it received and does not write. */
export const withinLimits = async <R>(
  { sourceTimeoutMs, sourceMaxBytes }: SourceLimits,
  reading: Reading,
  work: (guard: { signal: AbortSignal; onReceived: (sizeBytes: number) => void }) => Promise<R>,
): Promise<R> => {
  const control = new AbortController();
  const { table } = reading;
  const end = (error: RunError): void => control.abort(error);
  const tooLarge = (): void => end(stageError('SOURCE_TOO_LARGE', { table, limit: sourceMaxBytes }));
  const timer = setTimeout(() => end(stageError('SOURCE_TOO_SLOW', { table, limit: sourceTimeoutMs })), sourceTimeoutMs);
  let received = 0;
  const onReceived = (sizeBytes: number): void => {
    received += sizeBytes;
    if (received > sourceMaxBytes) tooLarge();
  };
  const look = async (): Promise<void> => {
    if ((await writtenBytes(reading)) > sourceMaxBytes) tooLarge();
  };
  // A folder that is gone went with its run.
  const watch = setInterval(() => void look().catch(() => {}), LOOK_EVERY_MS);
  try {
    const result = await work({ signal: AbortSignal.any([reading.signal, control.signal]), onReceived });
    await look();
    control.signal.throwIfAborted();
    return result;
  } catch (error) {
    throw control.signal.aborted ? control.signal.reason : error;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
  }
};
