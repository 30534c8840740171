// csv → hidden staging tables → one transaction: names, rows, views, ledger row.
import { failpoint } from '@lethe/db/failpoint';
import type { Client } from 'pg';
import { from as copyFrom, to as copyTo } from 'pg-copy-streams';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { quoteLiteral } from '../../plan/identifiers.ts';
import {
  type ConnectorLimits,
  type LedgerEntry,
  type ResolvedConnection,
  type Target,
  type TargetUpload,
  type UploadTable,
} from '../connector.ts';
import { whileAlive } from './alive.ts';
import { connectPostgres, cutPostgres, defaultSchema, endPostgres, limitStatements } from './client.ts';
import { toRunError } from './failure.ts';
import { fence, preparePlace, probe, qualified, record, type Place } from './ledger.ts';
import { publishTables, type Publication } from './publish-tables.ts';
import { claimName } from './relations.ts';
import { convertNatives } from './native.ts';
import { addKeys, definition } from './shape.ts';

/** Readers and the next worker wait for the publishing transaction: the server ends it where its worker has said nothing for so long. */
export const PUBLISHING_LIMITS = { idleMs: 30_000 };

const commit = async (publication: Publication, entry: LedgerEntry, tables: UploadTable[]): Promise<void> => {
  const { client, place } = publication;
  await failpoint('upload.target.begin.before');
  await client.query('begin');
  try {
    await client.query(`set local idle_in_transaction_session_timeout = ${PUBLISHING_LIMITS.idleMs}`);
    await fence(client, place, entry.uploadId, entry.epoch);
    if (await probe(client, place, entry.uploadId)) {
      await client.query('rollback');
      return;
    }
    await publishTables(publication, tables);
    await record(client, place, entry);
  } catch (error) {
    await client.query('rollback').catch(() => {});
    throw error;
  }
  await failpoint('upload.target.commit.before');
  await client.query('commit');
  await failpoint('upload.target.commit.after');
};

const stage = async (client: Client, staging: string, table: UploadTable, csvPaths: string[]): Promise<number> => {
  await client.query(`drop table if exists ${staging}`);
  await client.query(`create table ${staging} (${definition(table.columns)})`);
  for (const path of csvPaths)
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), client.query(copyFrom(`copy ${staging} from stdin (format csv)`)));
  const { rows } = await client.query<{ count: string }>(`select count(*)::text as count from ${staging}`);
  await addKeys(client, staging, table);
  return Number(rows[0]?.count ?? 0);
};

const dropStaging = async (client: Client, place: Place, prefix: string, epoch: number): Promise<void> => {
  const { rows } = await client.query<{ relname: string }>(
    `select relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where relkind = 'r' and nspname = ${quoteLiteral(place.schema)} and starts_with(relname::text, $1)`,
    [prefix],
  );
  // What a later epoch has staged is in use.
  for (const { relname } of rows)
    if (Number(relname.slice(prefix.length).split('_')[0]) <= epoch)
      await client.query(`drop table if exists ${qualified(place.schema, relname)}`);
};

/** The writing side of a postgres connection, for one upload in one epoch. */
export const postgresTarget = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  upload: TargetUpload,
  signal: AbortSignal,
): Promise<Target> => {
  const client = await connectPostgres(connection, limits);
  const cut = (): void => cutPostgres(client);
  const alive = whileAlive(client, connection, limits);
  signal.addEventListener('abort', cut, { once: true });
  const guarded = async <R>(activity: string, work: () => Promise<R>): Promise<R> => {
    try {
      signal.throwIfAborted();
      return await alive(activity, work);
    } catch (error) {
      signal.throwIfAborted();
      throw toRunError(error, activity);
    }
  };
  const hash = createHash('sha256').update(upload.stagingId).digest('hex').slice(0, 20);
  const schemaOf = ({ schema }: UploadTable): string => schema || defaultSchema(connection);
  const place = await guarded('Preparing the target', async () => {
    await limitStatements(client, limits.sourceTimeoutMs);
    const found = await preparePlace(client, defaultSchema(connection));
    await fence(client, found, upload.uploadId, upload.epoch);
    return found;
  }).catch(async (error: unknown) => {
    await endPostgres(client);
    throw error;
  });
  const prefix = `${place.stagingPrefix}u_${hash}_`;
  const stagingOf = ({ table }: UploadTable): string =>
    `${prefix}${upload.epoch}_${createHash('sha256').update(table).digest('hex').slice(0, 12)}`;
  const hidden = (table: UploadTable): string => qualified(place.schema, stagingOf(table));
  return {
    probe: (uploadId) =>
      guarded('Looking the upload up at the target', async () => {
        const entry = await probe(client, place, uploadId);
        return entry && { is: 'published', entry };
      }),
    stage: (table, csvPaths) => guarded(`Loading table ${table.table}`, () => stage(client, hidden(table), table, csvPaths)),
    readBack: (table, csvPath) =>
      guarded(`Reading table ${table.table} back`, async () => {
        const stream = client.query(copyTo(`copy ${hidden(table)} to stdout (format csv)`));
        await pipeline(stream, createWriteStream(csvPath, { mode: 0o600 }));
        return stream.rowCount;
      }),
    convert: (table) => guarded(`Converting table ${table.table}`, () => convertNatives(client, hidden(table), table)),
    claim: (owner, tables) =>
      guarded('Looking at the names of the target', async () => {
        for (const table of tables) {
          const claim = { ...owner, schema: schemaOf(table), name: table.target, table: table.table, replace: table.replace };
          await claimName(client, place, claim);
        }
      }),
    commit: (entry, tables) =>
      guarded('Publishing', () =>
        commit({ client, place, moduleId: entry.moduleId, runId: entry.runId, stagingOf, schemaOf }, entry, tables),
      ),
    schemaOf,
    cleanUp: () => guarded('Cleaning up', () => dropStaging(client, place, prefix, upload.epoch)),
    close: async () => {
      signal.removeEventListener('abort', cut);
      await endPostgres(client);
    },
  };
};
