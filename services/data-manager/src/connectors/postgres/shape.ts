// Columns, keys and comments of an uploaded table.
import { BaseType, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Client } from 'pg';
import { stageError } from '../../domain/run-error.ts';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';
import type { UploadTable } from '../connector.ts';

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
  // `jsonb` would change the text of a value: its order, its numbers, its repeated keys.
  [BaseType.JSON]: 'json',
  [BaseType.BINARY]: 'bytea',
};

const typeOf = ({ type }: Column): string => {
  if (type?.base === BaseType.DECIMAL) return `numeric(${type.precision || 38}, ${type.scale})`;
  return TYPES[type?.base ?? 0] ?? 'text';
};

/** The columns of a CREATE TABLE. */
export const definition = (columns: readonly Column[]): string =>
  columns.map((column) => `${quoteIdentifier(column.name)} ${typeOf(column)}`).join(', ');

const list = (names: readonly string[]): string => names.map(quoteIdentifier).join(', ');

const codeOf = (error: unknown): unknown => (error as { code?: unknown } | undefined)?.code;

// A key wider than an index takes, or of a type without an order: the table then goes without.
const NO_INDEX = new Set(['54000', '42704']);

/** Adds NOT NULL and the primary key to a loaded staging table. */
export const addKeys = async (client: Client, relation: string, table: UploadTable): Promise<void> => {
  const required = table.required.filter((name) => !table.primaryKey.includes(name));
  if (required.length > 0) {
    const counts = required.map((name, index) => `count(*) filter (where ${quoteIdentifier(name)} is null) = 0 as c${index}`).join(', ');
    const { rows } = await client.query<Record<string, boolean>>(`select ${counts} from ${relation}`);
    const full = required.filter((_, index) => rows[0]?.[`c${index}`] === true);
    if (full.length > 0)
      await client.query(`alter table ${relation} ${full.map((name) => `alter column ${quoteIdentifier(name)} set not null`).join(', ')}`);
  }
  if (table.primaryKey.length === 0) return;
  try {
    await client.query(`alter table ${relation} add primary key (${list(table.primaryKey)})`);
  } catch (error) {
    if (NO_INDEX.has(String(codeOf(error)))) return;
    if (codeOf(error) === '23505' || codeOf(error) === '23502')
      throw stageError('TARGET_KEY_BROKEN', { table: table.table, columns: table.primaryKey.join(', ') }, error);
    throw error;
  }
};

/** Whether a table has a primary key over these columns: what another table's reference needs. */
const isKeyOf = (table: UploadTable, columns: readonly string[]): boolean =>
  table.primaryKey.length === columns.length && columns.every((name) => table.primaryKey.includes(name));

/** Adds the references between the tables of one upload, where their other side stays as long as they do. */
export const addReferences = async (
  client: Client,
  tables: readonly UploadTable[],
  nameOf: (table: UploadTable) => string,
): Promise<void> => {
  for (const table of tables)
    for (const { columns, referencedTable, referencedColumns } of table.foreignKeys) {
      const other = tables.find((candidate) => candidate.table === referencedTable);
      // A table that stays would hold one back that is replaced, and the other way round it would outlive its other side.
      if (!other || !isKeyOf(other, referencedColumns) || other.replace !== table.replace) continue;
      const { rowCount } = await client.query(
        `select from pg_constraint where conrelid = ${quoteLiteral(nameOf(other))}::regclass and contype = 'p'`,
      );
      if (rowCount === 0) continue;
      try {
        await client.query(
          `alter table ${nameOf(table)} add foreign key (${list(columns)}) references ${nameOf(other)} (${list(referencedColumns)})`,
        );
      } catch (error) {
        if (codeOf(error) === '23503') throw stageError('TARGET_KEY_BROKEN', { table: table.table, columns: columns.join(', ') }, error);
        throw error;
      }
    }
};

/** Statements that write the document's descriptions as comments. */
export const comments = (kind: 'table' | 'view', relation: string, table: UploadTable): string[] => [
  ...(table.description === '' ? [] : [`comment on ${kind} ${relation} is ${quoteLiteral(table.description)}`]),
  ...table.columns
    .filter(({ description }) => description !== '')
    .map(({ name, description }) => `comment on column ${relation}.${quoteIdentifier(name)} is ${quoteLiteral(description)}`),
];
