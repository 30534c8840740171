// Postgres → csv segments by COPY, from one snapshot, cut by ranges of pages.
import type { Client } from 'pg';
import { to as copyTo } from 'pg-copy-streams';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import {
  kindOfRead,
  sourceColumn,
  type ConnectorLimits,
  type Extraction,
  type ResolvedConnection,
  type Source,
  type WrittenSegment,
} from '../connector.ts';
import { beginReading, defaultSchema, holdSnapshot, withPostgres } from './client.ts';
import { describePostgres } from './describe.ts';
import { stageError } from '../../domain/run-error.ts';

// 128 MB of heap; csv is about as large.
const PAGES_A_SEGMENT = 16_384;

type Relation = { kind: string; pages: number; columns: Set<string> };

const findRelation = async (client: Client, schema: string, table: string): Promise<Relation> => {
  const { rows } = await client.query<{ relkind: string; pages: string; columns: string[] }>(
    `select c.relkind, (pg_relation_size(c.oid) / current_setting('block_size')::int)::text as pages,
       (select array_agg(attname::text) from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2`,
    [schema, table],
  );
  const [found] = rows;
  if (!found) throw stageError('TABLE_MISSING', { object: `${schema}.${table}` });
  return { kind: found.relkind, pages: Number(found.pages), columns: new Set(found.columns) };
};

/** The conditions that cut a table into ranges of pages; views and foreign tables are one range. */
const ranges = ({ kind, pages }: Relation): string[] => {
  if (kind !== 'r' || pages <= PAGES_A_SEGMENT) return [''];
  const count = Math.ceil(pages / PAGES_A_SEGMENT);
  return Array.from({ length: count }, (_, index) => {
    const upper = index === count - 1 ? '' : ` and ctid < '(${(index + 1) * PAGES_A_SEGMENT},0)'::tid`;
    return `where ctid >= '(${index * PAGES_A_SEGMENT},0)'::tid${upper}`;
  });
};

const copyRange = async (client: Client, select: string, extraction: Extraction, segment: number): Promise<WrittenSegment> => {
  const path = `${extraction.prefix}${segment}.csv`;
  let sizeBytes = 0;
  const count = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const stream = client.query(copyTo(`copy (${select}) to stdout (format csv)`));
  await pipeline(stream, count, createWriteStream(join(extraction.directory, path), { mode: 0o600 }), { signal: extraction.signal });
  const rowCount = stream.rowCount;
  extraction.onRows(rowCount, sizeBytes);
  return { segment, path, rowCount, sizeBytes };
};

const extract = (connection: ResolvedConnection, limits: ConnectorLimits, extraction: Extraction): Promise<WrittenSegment[]> => {
  const { read } = extraction;
  if (read.$case !== 'tableRead') throw stageError('READ_MISMATCH', { type: 'postgres', read: kindOfRead(read) });
  const { table, columns: mapping } = read.value;
  const schema = read.value.schema || defaultSchema(connection);
  return withPostgres(
    connection,
    limits,
    { activity: `Reading ${schema}.${table}`, signal: extraction.signal, timeoutMs: limits.sourceTimeoutMs },
    async (client, startCopy) => {
      await beginReading(client, extraction.snapshot);
      const relation = await findRelation(client, schema, table);
      const wanted = extraction.columns.map((column) => sourceColumn(mapping, column));
      const missing = wanted.filter((column) => !relation.columns.has(column));
      if (missing.length > 0) throw stageError('COLUMN_MISSING', { object: `The table ${schema}.${table}`, columns: missing.join(', ') });
      const from = `select ${wanted.map(quoteIdentifier).join(', ')} from ${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;
      const segments: WrittenSegment[] = [];
      startCopy();
      for (const [index, range] of ranges(relation).entries())
        segments.push(await copyRange(client, `${from} ${range}`, extraction, index));
      await client.query('commit');
      return segments;
    },
  );
};

/** The reading side of a postgres connection. */
export const postgresSource = (connection: ResolvedConnection, limits: ConnectorLimits): Source => ({
  holdSnapshot: (signal) => holdSnapshot(connection, limits, signal),
  describe: (signal) => describePostgres(connection, limits, signal),
  extract: (extraction) => extract(connection, limits, extraction),
});
