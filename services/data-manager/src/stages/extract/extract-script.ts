// Sources that are scripts: SQL runs on the connection's own database, TypeScript in the sandbox with a broker as its only network.
import { takesScript } from '@lethe/module/connection-types';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Extraction, ResolvedConnection, WrittenSegment } from '../../connectors/connector.ts';
import { extractQuery } from '../../connectors/postgres/query.ts';
import { columnsOf } from '../../connectors/text/columns.ts';
import { readFileInto } from '../../connectors/text/reader.ts';
import { startBroker } from '../../sandbox/broker.ts';
import { SCRIPT_TIME_MS } from '../../sandbox/limits.ts';
import { runScript } from '../../sandbox/sandbox.ts';
import type { RunDeps } from '../../deps.ts';
import { stageError } from '../../domain/run-error.ts';

/** Where the rows of a script go; `onReceived` hears of bytes that its script is sent. */
type ScriptExtraction = Omit<Extraction, 'read'> & { onReceived: (sizeBytes: number) => void };

/** A script and its parameters. */
export type SourceScript = { table: string; language: string; content: string; parameters: Record<string, string> };

/** What a script prints is foreign text like a file. */
const convert = async (
  { table, directory, prefix, signal, onRows, columns }: Omit<Extraction, 'read'>,
  path: string,
): Promise<WrittenSegment[]> => {
  const { segments } = await readFileInto(
    { table, directory, prefix, signal, onRows, columns: columnsOf(columns, {}), needsMembers: false },
    { path, object: `The output of the script of table ${table}`, encoding: 'utf-8', packed: '', format: { kind: 'lines' } },
  );
  return segments;
};

const runTypeScript = async (
  deps: RunDeps,
  script: SourceScript,
  connection: ResolvedConnection | undefined,
  extraction: ScriptExtraction,
): Promise<WrittenSegment[]> => {
  if (connection && !takesScript(connection.type, 'TYPESCRIPT'))
    throw stageError('SCRIPT_CONNECTION_MISMATCH', { language: 'TypeScript', table: script.table });
  const broker = connection ? await startBroker(connection, deps.config, extraction) : undefined;
  const outputPath = join(extraction.directory, `${extraction.prefix}rows.ndjson`);
  try {
    const job = {
      content: script.content,
      mode: 'extract' as const,
      parameters: script.parameters,
      outputPath,
      seed: 1,
      nowMs: SCRIPT_TIME_MS,
    };
    await runScript(deps.isolation, broker ? { ...job, broker } : job, extraction.signal);
    return await convert(extraction, outputPath);
  } finally {
    broker?.close();
    await rm(outputPath, { force: true });
  }
};

/** Collects a table by a script. */
export const extractByScript = (
  deps: RunDeps,
  script: SourceScript,
  connection: ResolvedConnection | undefined,
  extraction: ScriptExtraction,
): Promise<WrittenSegment[]> => {
  if (script.language === 'TYPESCRIPT') return runTypeScript(deps, script, connection, extraction);
  if (!connection || !takesScript(connection.type, 'SQL'))
    throw stageError('SCRIPT_CONNECTION_MISMATCH', { language: 'SQL', table: script.table });
  return extractQuery(connection, deps.config, script, extraction);
};
