// A user's SELECT on the connection's own database: read only, one statement, its result as one csv segment.
import { to as copyTo } from 'pg-copy-streams';
import { createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { ConnectorLimits, Extraction, ResolvedConnection, WrittenSegment } from '../connector.ts';
import { beginReading, withPostgres } from './client.ts';
import { toRunError } from './failure.ts';
import { selectColumns, withoutEnd } from './result-rows.ts';

/** Runs the query. It reads its parameters by `current_setting('lethe.<name>')`; columns are taken by name, also from documents. */
export const extractQuery = (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  { content, parameters }: { content: string; parameters: Record<string, string> },
  extraction: Omit<Extraction, 'read'>,
): Promise<WrittenSegment[]> => {
  const activity = `Running the query of table ${extraction.table}`;
  return withPostgres(
    connection,
    limits,
    { activity, signal: extraction.signal, timeoutMs: limits.sourceTimeoutMs },
    async (client, startCopy) => {
      await beginReading(client, extraction.snapshot);
      for (const [name, value] of Object.entries(parameters))
        await client.query('select set_config($1, $2, true)', [`lethe.${name}`, value]);
      const path = `${extraction.prefix}0.csv`;
      const query = withoutEnd(content);
      const { table, columns } = extraction;
      const wanted = await selectColumns(client, { table, content: query, columns, check: true }).catch((error: unknown) => {
        extraction.signal.throwIfAborted();
        throw toRunError(error, activity, { statement: `select * from (\n${query}\n) as source limit 0`, content: query });
      });
      startCopy();
      const statement = `copy (${wanted}) to stdout (format csv)`;
      const stream = client.query(copyTo(statement));
      await pipeline(stream, createWriteStream(join(extraction.directory, path), { mode: 0o600 }), { signal: extraction.signal }).catch(
        (error: unknown) => {
          extraction.signal.throwIfAborted();
          throw toRunError(error, activity, { statement, content: query });
        },
      );
      await client.query('commit');
      const sizeBytes = (await stat(join(extraction.directory, path))).size;
      extraction.onRows(stream.rowCount, sizeBytes);
      return [{ segment: 0, path, rowCount: stream.rowCount, sizeBytes }];
    },
  );
};
