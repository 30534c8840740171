// Looks at a database before a run reads or writes there: what is missing, and which rights the role lacks.
import type { Client } from 'pg';
import { RunError, stageError } from '../../domain/run-error.ts';
import {
  kindOfRead,
  sourceColumn,
  type ConnectorLimits,
  type Inspection,
  type ReadUse,
  type ResolvedConnection,
  type Use,
} from '../connector.ts';
import { defaultSchema, withPostgres } from './client.ts';
import { toRunError } from './failure.ts';
import { findPlace, isOwnedBy } from './ledger.ts';
import { hasType } from './native.ts';
import { claimName } from './relations.ts';
import { selectColumns, withoutEnd } from './result-rows.ts';

type Found = { readable: boolean; columns: string[]; unreadable: string[] };

const inspectTable = async (client: Client, schema: string, table: string, wanted: readonly string[]): Promise<RunError | undefined> => {
  const { rows } = await client.query<Found>(
    `select has_schema_privilege(n.oid, 'usage') as readable,
       (select coalesce(array_agg(attname::text), '{}') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped) as columns,
       (select coalesce(array_agg(attname::text), '{}') from pg_attribute where attrelid = c.oid and attnum > 0 and not attisdropped
          and not has_column_privilege(c.oid, attnum, 'select')) as unreadable
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
    [schema, table],
  );
  const [found] = rows;
  const object = `the table ${schema}.${table}`;
  if (!found) return stageError('TABLE_MISSING', { object: `${schema}.${table}` });
  const missing = wanted.filter((column) => !found.columns.includes(column));
  if (missing.length > 0) return stageError('COLUMN_MISSING', { object: `The table ${schema}.${table}`, columns: missing.join(', ') });
  const denied = wanted.filter((column) => found.unreadable.includes(column));
  if (!found.readable || denied.length === wanted.length) return stageError('SOURCE_RIGHTS', { object });
  return denied.length > 0 ? stageError('SOURCE_RIGHTS', { object: `the columns ${denied.join(', ')} of ${object}` }) : undefined;
};

/** Lets the server plan a query, which reads no row, and says of tables, columns and rights what is wrong. */
const inspectQuery = async (client: Client, use: Extract<ReadUse, { kind: 'query' }>): Promise<void> => {
  await client.query('begin read only');
  const content = withoutEnd(use.content);
  let statement = `select * from (\n${content}\n) as source limit 0`;
  try {
    for (const [name, value] of Object.entries(use.parameters))
      await client.query('select set_config($1, $2, true)', [`lethe.${name}`, value]);
    statement = `explain ${await selectColumns(client, { table: use.table, content, columns: use.columns, check: false })}`;
    await client.query(statement);
  } catch (error) {
    throw toRunError(error, `Planning the query of table ${use.table}`, { statement, content });
  } finally {
    await client.query('rollback');
  }
};

const inspectRead = async (client: Client, connection: ResolvedConnection, use: ReadUse): Promise<RunError | undefined> => {
  try {
    if (use.kind === 'query') {
      await inspectQuery(client, use);
      return undefined;
    }
    const { read } = use;
    if (read.$case !== 'tableRead') return stageError('READ_MISMATCH', { type: 'postgres', read: kindOfRead(read) });
    const { schema, table, columns } = read.value;
    const wanted = use.columns.map((column) => sourceColumn(columns, column));
    return await inspectTable(client, schema || defaultSchema(connection), table, wanted);
  } catch (error) {
    if (error instanceof RunError && !error.transient) return error;
    throw error;
  }
};

const inspectSchema = async (client: Client, schema: string): Promise<RunError[]> => {
  const { rows } = await client.query<{ usage: boolean; create: boolean }>(
    `select has_schema_privilege(oid, 'usage') as usage, has_schema_privilege(oid, 'create') as create from pg_namespace where nspname = $1`,
    [schema],
  );
  const [found] = rows;
  if (!found) return [stageError('TARGET_SCHEMA_MISSING', { schema })];
  if (!found.usage) return [stageError('TARGET_RIGHTS', { right: 'USAGE', schema })];
  return found.create ? [] : [stageError('TARGET_RIGHTS', { right: 'CREATE', schema })];
};

const inspectWrites = async (
  client: Client,
  connection: ResolvedConnection,
  { moduleId, collectedModuleId, writes }: Use,
): Promise<RunError[]> => {
  const own = defaultSchema(connection);
  const schemas = new Set(writes.length === 0 ? [own] : writes.map(({ schema }) => schema || own));
  const problems: RunError[] = [];
  for (const schema of schemas) problems.push(...(await inspectSchema(client, schema)));
  if (problems.length > 0) return problems;
  const place = await findPlace(client, own);
  if (place instanceof RunError) return [place];
  for (const { table, schema, target, replace, natives } of writes)
    try {
      for (const { column, type } of natives)
        if (!(await hasType(client, type)))
          problems.push(stageError('TARGET_TYPE_MISSING', { table, column, type }).locate({ table, column }));
      const claim = { runId: '', schema: schema || own, name: target, table };
      if (collectedModuleId !== '' && (await isOwnedBy(client, place, { ...claim, moduleId: collectedModuleId }))) continue;
      await claimName(client, place, { ...claim, moduleId, replace });
    } catch (error) {
      if (!(error instanceof RunError)) throw error;
      problems.push(error.locate({ table }));
    }
  return problems;
};

/** Opens the database and looks at everything that it will be used for. What stops it at the door is thrown. */
export const inspectPostgres = (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  use: Use,
  signal: AbortSignal,
): Promise<Inspection> =>
  withPostgres(connection, limits, { activity: 'Looking at the database', signal }, async (client) => {
    const unreadable: RunError[] = [];
    for (const read of use.reads) {
      const problem = await inspectRead(client, connection, read);
      if (problem) unreadable.push(problem.locate({ table: read.table }));
    }
    const isAsked = use.writes.length > 0 || use.reads.length === 0;
    return { unreadable, unwritable: isAsked ? await inspectWrites(client, connection, use) : [] };
  });
