// The part of an upload that readers see: names are judged, rows change places, and what others have attached stays.
import type { Client } from 'pg';
import { stageError } from '../../domain/run-error.ts';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import type { UploadTable } from '../connector.ts';
import { qualified, versionNamed, type Place } from './ledger.ts';
import { attachedTo, carryOver, claimName, findRelation, shapeOf, type Relation } from './relations.ts';
import { addReferences, comments } from './shape.ts';

/** What publishing works with: where a table lies hidden, and in which schema it will be seen. */
export type Publication = {
  client: Client;
  place: Place;
  moduleId: string;
  runId: string;
  stagingOf: (table: UploadTable) => string;
  schemaOf: (table: UploadTable) => string;
};

const run = async (client: Client, statements: readonly string[]): Promise<void> => {
  for (const statement of statements) await client.query(statement);
};

const columnNames = (table: UploadTable): Set<string> => new Set(table.columns.map(({ name }) => name));

const refuseDependents = (object: string, attached: readonly string[]): never => {
  throw stageError('TARGET_DEPENDENTS', { object, dependents: attached.slice(0, 10).join(', ') });
};

/** Moves the staging table to its place, and gives its key a name that says whose it is. */
const move = async ({ client, place, stagingOf, schemaOf }: Publication, table: UploadTable): Promise<void> => {
  const [staging, schema] = [stagingOf(table), schemaOf(table)];
  await client.query(`alter table ${qualified(place.schema, staging)} set schema ${quoteIdentifier(schema)}`);
  await client.query(`alter table ${qualified(schema, staging)} rename to ${quoteIdentifier(table.versioned)}`);
  const wanted = `${table.versioned}_pkey`;
  const keys = await client.query<{ name: string }>(
    `select conname::text as name from pg_constraint where contype = 'p' and conrelid = ${quoteLiteral(qualified(schema, table.versioned))}::regclass`,
  );
  const [key] = keys.rows;
  if (!key || Buffer.byteLength(wanted) > 63 || (await findRelation(client, schema, wanted))) return;
  await client.query(
    `alter table ${qualified(schema, table.versioned)} rename constraint ${quoteIdentifier(key.name)} to ${quoteIdentifier(wanted)}`,
  );
};

/** A table of mode REPLACE: it is changed in place where something hangs on it, else swapped. */
const replaceTable = async (publication: Publication, table: UploadTable, old: Relation, own: readonly string[]): Promise<void> => {
  const { client, place, stagingOf, schemaOf } = publication;
  const [staging, target] = [qualified(place.schema, stagingOf(table)), qualified(schemaOf(table), table.target)];
  const attached = await attachedTo(client, old.oid, own);
  if (attached.length === 0) {
    const carried = await carryOver(client, old.oid, target, columnNames(table));
    await client.query(`drop table ${target}`);
    await move(publication, table);
    return run(
      client,
      carried.map((statement) => statement.replace('{kind}', 'table')),
    );
  }
  const isSame = (await shapeOf(client, place.schema, stagingOf(table))) === (await shapeOf(client, schemaOf(table), table.target));
  if (!isSame) refuseDependents(`${schemaOf(table)}.${table.target}`, attached);
  const columns = table.columns.map(({ name }) => quoteIdentifier(name)).join(', ');
  await client.query(`delete from ${target}`);
  await client.query(`insert into ${target} (${columns}) select ${columns} from ${staging}`);
  await client.query(`drop table ${staging}`);
};

/** The view of mode VERSIONED, on the newest version's table. */
const showVersion = async ({ client, schemaOf }: Publication, table: UploadTable, old: Relation | undefined): Promise<void> => {
  const view = qualified(schemaOf(table), table.target);
  const query = `as select * from ${qualified(schemaOf(table), table.versioned)}`;
  if (!old) {
    await client.query(`create view ${view} ${query}`);
    return;
  }
  await client.query('savepoint view');
  try {
    await client.query(`create or replace view ${view} ${query}`);
  } catch (error) {
    // The columns are not those of before with others after them.
    if (!['42P16', '42P17', '0A000'].includes(String((error as { code?: unknown }).code))) throw error;
    await client.query('rollback to savepoint view');
    const attached = await attachedTo(client, old.oid, []);
    if (attached.length > 0) refuseDependents(`${schemaOf(table)}.${table.target}`, attached);
    const carried = await carryOver(client, old.oid, view, columnNames(table));
    await client.query(`drop view ${view}`);
    await client.query(`create view ${view} ${query}`);
    await run(
      client,
      carried.map((statement) => statement.replace('{kind}', 'view')),
    );
  }
};

/** The references between kept tables, which are made anew after the rows have changed places. */
const dropReferences = async (client: Client, oids: readonly string[]): Promise<void> => {
  const { rows } = await client.query<{ relation: string; name: string }>(
    `select conrelid::regclass::text as relation, conname::text as name from pg_constraint
     where contype = 'f' and conrelid = any($1::oid[]) and confrelid = any($1::oid[])`,
    [[...oids]],
  );
  for (const { relation, name } of rows) await client.query(`alter table ${relation} drop constraint ${quoteIdentifier(name)}`);
};

/** Refuses a version's own name that is not free. One of this module's own was given up as not taken, and its rows are there after all. */
const refuseTaken = async ({ client, place, moduleId }: Publication, schema: string, name: string): Promise<void> => {
  if (!(await findRelation(client, schema, name))) return;
  const version = await versionNamed(client, place, { moduleId, schema, versioned: name });
  throw version === undefined
    ? stageError('TARGET_NAME_TAKEN', { object: `${schema}.${name}` })
    : stageError('UPLOAD_LEFT_ROWS', { version });
};

/** Publishes all tables of an upload, inside the target's transaction. */
export const publishTables = async (publication: Publication, tables: readonly UploadTable[]): Promise<void> => {
  const { client, place, moduleId, runId, schemaOf } = publication;
  const old = new Map<UploadTable, Relation | undefined>();
  for (const table of tables.toSorted((left, right) => (left.target < right.target ? -1 : 1))) {
    const [schema, name] = [schemaOf(table), table.target];
    // Two modules that want one name come one after the other, so that the second sees the first.
    await client.query(`select pg_advisory_xact_lock(hashtextextended($1, 0))`, [`lethe_upload ${schema}.${name}`]);
    old.set(table, await claimName(client, place, { moduleId, runId, schema, name, table: table.table, replace: table.replace }));
    if (!table.replace) await refuseTaken(publication, schema, table.versioned);
  }
  const own = [...old.values()].flatMap((relation) => (relation ? [relation.oid] : []));
  await dropReferences(client, own);
  for (const table of tables) {
    const relation = old.get(table);
    if (table.replace && relation) await replaceTable(publication, table, relation, own);
    else await move(publication, table);
    if (!table.replace) await showVersion(publication, table, relation);
  }
  await addReferences(client, tables, (table) => qualified(schemaOf(table), table.versioned));
  for (const table of tables) {
    await run(client, comments('table', qualified(schemaOf(table), table.versioned), table));
    if (!table.replace) await run(client, comments('view', qualified(schemaOf(table), table.target), table));
  }
};
