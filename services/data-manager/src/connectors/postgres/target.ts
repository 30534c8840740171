// csv → hidden staging tables → one transaction: rename, view, ledger row.
import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { failpoint } from '@lethe/db/failpoint';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import { type ConnectorLimits, type LedgerEntry, type ResolvedConnection, type Target, type UploadTable } from '../connector.ts';
import { connectPostgres, defaultSchema, toRunError } from './client.ts';
import { stageError } from '../../domain/run-error.ts';

const SCHEMA = 'lethe_upload';

const TYPES: Record<number, string> = {
  [BaseType.STRING]: 'text',
  [BaseType.BOOLEAN]: 'boolean',
  [BaseType.INTEGER]: 'bigint',
  [BaseType.DOUBLE]: 'double precision',
  [BaseType.DATE]: 'date',
  [BaseType.TIME]: 'time',
  [BaseType.DATETIME]: 'timestamp',
  [BaseType.DATETIMESTAMP]: 'timestamptz',
  [BaseType.UUID]: 'uuid',
  [BaseType.JSON]: 'jsonb',
  [BaseType.BINARY]: 'bytea',
};

const typeOf = ({ type }: Column): string => {
  if (type?.base === BaseType.DECIMAL) return `numeric(${type.precision || 38}, ${type.scale})`;
  return TYPES[type?.base ?? 0] ?? 'text';
};

const definition = (columns: Column[]): string => columns.map((column) => `${quoteIdentifier(column.name)} ${typeOf(column)}`).join(', ');

const qualified = (schema: string, name: string): string => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;

const prepare = async (client: Client): Promise<void> => {
  // Two uploads may prepare at once; the advisory lock lets one of them make what is missing.
  await client.query('begin');
  await client.query(`select pg_advisory_xact_lock(hashtext('lethe_upload'))`);
  await client.query(`create schema if not exists ${SCHEMA}`);
  await client.query(
    `create table if not exists ${SCHEMA}.ledger (
      upload_id text primary key, epoch bigint not null, run_id uuid not null, module_id uuid not null, version text not null, tables jsonb not null,
      commit_time timestamptz not null default now())`,
  );
  await client.query(`create table if not exists ${SCHEMA}.fence (upload_id text primary key, epoch bigint not null)`);
  await client.query('commit');
};

/** Takes the upload for an epoch: a worker of an older epoch is refused from here on, at the target itself. */
const fence = async (client: Client, uploadId: string, epoch: number): Promise<void> => {
  const { rowCount } = await client.query(
    `insert into ${SCHEMA}.fence as f values ($1, $2) on conflict (upload_id) do update set epoch = excluded.epoch where f.epoch <= excluded.epoch`,
    [uploadId, epoch],
  );
  if (rowCount === 0) throw stageError('EPOCH_STALE');
};

const probe = async (client: Client, uploadId: string): Promise<LedgerEntry | undefined> => {
  const { rows } = await client.query<{
    upload_id: string;
    epoch: string;
    run_id: string;
    module_id: string;
    version: string;
    tables: LedgerEntry['tables'];
  }>(`select upload_id, epoch::text, run_id, module_id, version, tables from ${SCHEMA}.ledger where upload_id = $1`, [uploadId]);
  const [row] = rows;
  return (
    row && {
      uploadId: row.upload_id,
      epoch: Number(row.epoch),
      runId: row.run_id,
      moduleId: row.module_id,
      version: row.version,
      tables: row.tables,
    }
  );
};

const publish = async (client: Client, staging: string, schema: string, table: UploadTable): Promise<void> => {
  const { rows } = await client.query<{ relkind: string }>(
    'select relkind from pg_class where relname = $1 and relnamespace = to_regnamespace($2)',
    [table.target, quoteIdentifier(schema)],
  );
  const kind = rows[0]?.relkind;
  if (table.replace ? kind !== undefined && kind !== 'r' : kind !== undefined && kind !== 'v') {
    throw stageError('TARGET_NAME_TAKEN', { object: `${schema}.${table.target}` });
  }
  if (table.replace && kind === 'r') await client.query(`drop table ${qualified(schema, table.target)}`);
  await client.query(`alter table ${qualified(SCHEMA, staging)} set schema ${quoteIdentifier(schema)}`);
  await client.query(`alter table ${qualified(schema, staging)} rename to ${quoteIdentifier(table.versioned)}`);
  if (table.replace) return;
  // A version may have other columns, which `create or replace view` refuses.
  if (kind === 'v') await client.query(`drop view ${qualified(schema, table.target)}`);
  await client.query(`create view ${qualified(schema, table.target)} as select * from ${qualified(schema, table.versioned)}`);
};

const commit = async (
  client: Client,
  entry: LedgerEntry,
  tables: UploadTable[],
  { stagingOf, schemaOf }: { stagingOf: (table: UploadTable) => string; schemaOf: (table: UploadTable) => string },
): Promise<void> => {
  await failpoint('upload.target.begin.before');
  await client.query('begin');
  try {
    await fence(client, entry.uploadId, entry.epoch);
    if (await probe(client, entry.uploadId)) {
      await client.query('rollback');
      return;
    }
    for (const table of tables) await publish(client, stagingOf(table), schemaOf(table), table);
    await client.query(
      `insert into ${SCHEMA}.ledger (upload_id, epoch, run_id, module_id, version, tables) values ($1, $2, $3, $4, $5, $6)`,
      [entry.uploadId, entry.epoch, entry.runId, entry.moduleId, entry.version, JSON.stringify(entry.tables)],
    );
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  await failpoint('upload.target.commit.before');
  await client.query('commit');
  await failpoint('upload.target.commit.after');
};

const stage = async (client: Client, staging: string, table: UploadTable, csvPaths: string[]): Promise<number> => {
  await client.query(`drop table if exists ${qualified(SCHEMA, staging)}`);
  await client.query(`create table ${qualified(SCHEMA, staging)} (${definition(table.columns)})`);
  for (const path of csvPaths)
    await pipeline(
      createReadStream(path, { highWaterMark: 1 << 20 }),
      client.query(copyFrom(`copy ${qualified(SCHEMA, staging)} from stdin (format csv)`)),
    );
  const { rows } = await client.query<{ count: string }>(`select count(*)::text as count from ${qualified(SCHEMA, staging)}`);
  return Number(rows[0]?.count ?? 0);
};

/** The writing side of a postgres connection, for one upload in one epoch. */
export const postgresTarget = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  upload: { uploadId: string; epoch: number },
  signal: AbortSignal,
): Promise<Target> => {
  const client = await connectPostgres(connection, limits);
  const cut = (): void => void client.end().catch(() => {});
  signal.addEventListener('abort', cut, { once: true });
  const guarded = async <R>(activity: string, work: () => Promise<R>): Promise<R> => {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      signal.throwIfAborted();
      throw toRunError(error, activity);
    }
  };
  // One for all uploads of a run, so that the next one cleans up after one that was refused.
  const [runId = ''] = upload.uploadId.split('.');
  const prefix = `u_${createHash('sha256').update(runId).digest('hex').slice(0, 20)}_`;
  const stagingOf = ({ table }: UploadTable): string =>
    `${prefix}${upload.epoch}_${createHash('sha256').update(table).digest('hex').slice(0, 12)}`;
  const schemaOf = ({ schema }: UploadTable): string => schema || defaultSchema(connection);
  await guarded('Preparing the target', async () => {
    await prepare(client);
    await fence(client, upload.uploadId, upload.epoch);
  });
  return {
    probe: (uploadId) => guarded('Looking the upload up at the target', () => probe(client, uploadId)),
    stage: (table, csvPaths) => guarded(`Loading table ${table.table}`, () => stage(client, stagingOf(table), table, csvPaths)),
    readBack: (table, csvPath) =>
      guarded(`Reading table ${table.table} back`, async () => {
        const stream = client.query(copyTo(`copy ${qualified(SCHEMA, stagingOf(table))} to stdout (format csv)`));
        await pipeline(stream, createWriteStream(csvPath, { mode: 0o600 }));
        return stream.rowCount;
      }),
    commit: (entry, tables) => guarded('Publishing', () => commit(client, entry, tables, { stagingOf, schemaOf })),
    cleanUp: () =>
      guarded('Cleaning up', async () => {
        const { rows } = await client.query<{ relname: string }>(
          `select relname from pg_class where relkind = 'r' and relnamespace = ${quoteLiteral(SCHEMA)}::regnamespace and starts_with(relname::text, $1)`,
          [prefix],
        );
        for (const { relname } of rows) await client.query(`drop table if exists ${qualified(SCHEMA, relname)}`);
      }),
    close: async () => {
      signal.removeEventListener('abort', cut);
      await client.end().catch(() => {});
    },
  };
};
