import type { DescribedTable } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { ConnectorLimits, Description, ResolvedConnection } from '../connector.ts';
import { withPostgres } from './client.ts';

const MAX_TABLES = 500;
const MAX_COLUMNS = 1_600;

type Row = { schema: string; name: string; rows: string; column: string; type: string; nullable: boolean };

const QUERY = `
  select n.nspname as schema, c.relname as name, c.reltuples::bigint::text as rows, a.attname as column,
    format_type(a.atttypid, a.atttypmod) as type, not a.attnotnull as nullable
  from (
    select * from pg_class where relkind in ('r', 'p', 'v', 'm', 'f') and has_table_privilege(oid, 'select')
      and relnamespace not in (select oid from pg_namespace where nspname like 'pg\\_%' or nspname in ('information_schema', 'lethe_upload'))
    order by relnamespace, relname limit ${MAX_TABLES + 1}
  ) c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
  order by n.nspname, c.relname, a.attnum`;

const group = (rows: Row[]): DescribedTable[] => {
  // A table of Postgres has no more; what a server makes up is not passed on.
  const tables = new Map<string, DescribedTable>();
  for (const row of rows) {
    const key = JSON.stringify([row.schema, row.name]);
    const table = tables.get(key) ?? { schema: row.schema, name: row.name, columns: [], estimatedRowCount: BigInt(row.rows) };
    if (table.columns.length < MAX_COLUMNS) table.columns.push({ name: row.column, sourceType: row.type, nullable: row.nullable });
    tables.set(key, table);
  }
  return [...tables.values()];
};

/** The tables and views that the role may read, with their columns. */
export const describePostgres = (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Description> =>
  withPostgres(connection, limits, { activity: 'Describing the database', signal }, async (client) => {
    const version = await client.query<{ server_version: string }>('show server_version');
    const tables = group((await client.query<Row>(QUERY)).rows);
    return {
      serverVersion: `PostgreSQL ${version.rows[0]?.server_version ?? ''}`,
      tables: tables.slice(0, MAX_TABLES),
      truncated: tables.length > MAX_TABLES,
    };
  });
