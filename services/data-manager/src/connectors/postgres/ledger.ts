// Where a target remembers uploads: in the schema `lethe_upload` where the role may use or make it, else in the target's own schema.
import type { Client } from 'pg';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import { invariant } from '../../domain/defect.ts';
import { stageError, type RunError } from '../../domain/run-error.ts';
import type { LedgerEntry } from '../connector.ts';

const SHARED = 'lethe_upload';
const OWN_PREFIX = 'lethe_upload_';

/** The qualified name of a relation. */
export const qualified = (schema: string, name: string): string => `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`;

/** The place of the ledger and of staging tables. */
export type Place = { schema: string; ledger: string; fence: string; stagingPrefix: string; isNew: boolean };

const placeIn = (schema: string, prefix: string, isNew: boolean): Place => ({
  schema,
  ledger: qualified(schema, `${prefix}ledger`),
  fence: qualified(schema, `${prefix}fence`),
  stagingPrefix: prefix === '' ? '' : prefix,
  isNew,
});

type Rights = {
  mayMake: boolean;
  hasShared: boolean;
  sharedUsable: boolean | null;
  ledgerUsable: boolean | null;
  ownUsage: boolean | null;
  ownCreate: boolean | null;
  ownLedger: boolean;
};

const usableTables = (schema: string, prefix: string): string => `
  (select bool_and(has_table_privilege(c.oid, 'select') and has_table_privilege(c.oid, 'insert')
     and (c.relname not like '%fence' or has_table_privilege(c.oid, 'update')))
   from pg_class c join pg_namespace n on n.oid = c.relnamespace
   where n.nspname = ${schema} and c.relname in (${prefix} || 'ledger', ${prefix} || 'fence'))`;

const readRights = async (client: Client, schema: string): Promise<Rights> => {
  const usable = (name: string, right: string): string =>
    `(select has_schema_privilege(oid, '${right}') from pg_namespace where nspname = ${name})`;
  const shared = quoteLiteral(SHARED);
  const { rows } = await client.query<Rights>(
    `select has_database_privilege(current_database(), 'create') as "mayMake",
       exists (select from pg_namespace where nspname = ${shared}) as "hasShared",
       ${usable(shared, 'usage')} and ${usable(shared, 'create')} as "sharedUsable",
       ${usableTables(shared, `''`)} as "ledgerUsable",
       ${usable('$1', 'usage')} as "ownUsage", ${usable('$1', 'create')} as "ownCreate",
       exists (select from pg_class c join pg_namespace n on n.oid = c.relnamespace
         where n.nspname = $1 and c.relname = ${quoteLiteral(`${OWN_PREFIX}ledger`)}) as "ownLedger"`,
    [schema],
  );
  const [found] = rows;
  invariant(found, 'a query of constants returned no row');
  return found;
};

/** Finds the place; nothing is made. A ledger that is there already stays the one. */
export const findPlace = async (client: Client, schema: string): Promise<Place | RunError> => {
  const rights = await readRights(client, schema);
  const own = placeIn(schema, OWN_PREFIX, !rights.ownLedger);
  if (rights.ownLedger) return own;
  if (rights.hasShared && rights.sharedUsable === true && rights.ledgerUsable !== false)
    return placeIn(SHARED, '', rights.ledgerUsable === null);
  if (!rights.hasShared && rights.mayMake) return placeIn(SHARED, '', true);
  if (rights.ownUsage === null) return stageError('TARGET_SCHEMA_MISSING', { schema });
  if (!rights.ownUsage) return stageError('TARGET_RIGHTS', { right: 'USAGE', schema });
  if (rights.ownCreate !== true) return stageError('TARGET_RIGHTS', { right: 'CREATE', schema });
  return own;
};

/** Makes what is missing of the ledger. */
export const preparePlace = async (client: Client, schema: string): Promise<Place> => {
  // Two uploads may prepare at once; the advisory lock lets one of them make what is missing.
  await client.query('begin');
  await client.query(`select pg_advisory_xact_lock(hashtext('lethe_upload'))`);
  const place = await findPlace(client, schema);
  if (place instanceof Error) {
    await client.query('rollback');
    throw place;
  }
  if (place.isNew) {
    const { rowCount } = await client.query('select from pg_namespace where nspname = $1', [place.schema]);
    if (rowCount === 0) await client.query(`create schema ${quoteIdentifier(place.schema)}`);
    await client.query(
      `create table if not exists ${place.ledger} (
        upload_id text primary key, epoch bigint not null, run_id uuid not null, module_id uuid not null, version text not null, tables jsonb not null,
        commit_time timestamptz not null default now())`,
    );
    await client.query(`create table if not exists ${place.fence} (upload_id text primary key, epoch bigint not null)`);
  }
  await client.query('commit');
  return place;
};

/** Takes the upload for an epoch: a worker of an older epoch is refused from here on, at the target itself. */
export const fence = async (client: Client, place: Place, uploadId: string, epoch: number): Promise<void> => {
  const { rowCount } = await client.query(
    `insert into ${place.fence} as f values ($1, $2) on conflict (upload_id) do update set epoch = excluded.epoch where f.epoch <= excluded.epoch`,
    [uploadId, epoch],
  );
  if (rowCount === 0) throw stageError('EPOCH_STALE');
};

type LedgerRow = { upload_id: string; epoch: string; run_id: string; module_id: string; version: string; tables: LedgerEntry['tables'] };

/** What the ledger knows of an upload. */
export const probe = async (client: Client, place: Place, uploadId: string): Promise<LedgerEntry | undefined> => {
  const { rows } = await client.query<LedgerRow>(
    `select upload_id, epoch::text, run_id, module_id, version, tables from ${place.ledger} where upload_id = $1`,
    [uploadId],
  );
  const [row] = rows;
  if (!row) return undefined;
  const { upload_id, epoch, run_id, module_id, version, tables } = row;
  return { uploadId: upload_id, epoch: Number(epoch), runId: run_id, moduleId: module_id, version, tables };
};

/** Writes an upload into the ledger. */
export const record = async (client: Client, place: Place, entry: LedgerEntry): Promise<void> => {
  await client.query(`insert into ${place.ledger} (upload_id, epoch, run_id, module_id, version, tables) values ($1, $2, $3, $4, $5, $6)`, [
    entry.uploadId,
    entry.epoch,
    entry.runId,
    entry.moduleId,
    entry.version,
    JSON.stringify(entry.tables),
  ]);
};

/** The version as which an upload of the module published a table under a name of its own; undefined where none did. */
export const versionNamed = async (
  client: Client,
  place: Place,
  { moduleId, schema, versioned }: { moduleId: string; schema: string; versioned: string },
): Promise<string | undefined> => {
  if (place.isNew) return undefined;
  const { rows } = await client.query<{ version: string }>(
    `select l.version from ${place.ledger} l where l.module_id = $1 and l.tables @> jsonb_build_array(jsonb_build_object('schema', $2::text, 'versioned', $3::text)) limit 1`,
    [moduleId, schema, versioned],
  );
  return rows[0]?.version;
};

/** Whether the ledger has a name of a schema as one that uploads of the module made, in other runs than this one. */
export const isOwnedBy = async (
  client: Client,
  place: Place,
  { moduleId, runId, schema, name, table }: { moduleId: string; runId: string; schema: string; name: string; table: string },
): Promise<boolean> => {
  if (place.isNew) return false;
  // Entries of the first release have no names; they are of the table's own name, or of the target that its document had.
  const { rowCount } = await client.query(
    `select from ${place.ledger} l, jsonb_array_elements(l.tables) t where l.module_id = $1 and l.run_id::text <> $5 and (
       (t->>'schema' = $2 and $3 in (t->>'target', t->>'versioned')) or (not t ? 'target' and t->>'table' = $4)) limit 1`,
    [moduleId, schema, name, table, runId],
  );
  return (rowCount ?? 0) > 0;
};
