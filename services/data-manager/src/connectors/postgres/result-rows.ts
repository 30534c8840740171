// What a user's query gives: rows with columns, or documents of which each is a row.
import type { Client } from 'pg';
import { stageError } from '../../domain/run-error.ts';
import { quoteIdentifier, quoteLiteral } from '../../plan/identifiers.ts';

/** Types of documents, by their numbers in pg_type. */
const DOCUMENTS: Record<number, 'json' | 'jsonb'> = { 114: 'json', 3802: 'jsonb' };

/** The content as a part of another statement. */
export const withoutEnd = (content: string): string => content.trim().replace(/;$/, '');

/** The documents of a query, or the elements of those that are arrays, as `record`. */
const recordsOf = (content: string, type: 'json' | 'jsonb'): string =>
  `select record from (\n${content}\n) as source(document) cross join lateral ${type}_array_elements(case ${type}_typeof(document) when 'array' then document else ${type}_build_array(document) end) as record`;

/** Refuses documents that are no rows. One that is missing altogether is what an aggregate gives of nothing. */
const refuseOthers = async (client: Client, { records, type, table }: { records: string; type: string; table: string }): Promise<void> => {
  const { rows } = await client.query<{ count: number; missing: number; strange: number }>(
    `select count(*)::int as count, (count(*) filter (where ${type}_typeof(record) = 'null'))::int as missing, (count(*) filter (where ${type}_typeof(record) <> 'object'))::int as strange from (${records}) as records`,
  );
  const [found] = rows;
  if (!found || found.strange === 0 || (found.count === 1 && found.missing === 1)) return;
  throw stageError('SCRIPT_LINES_INVALID', { table, count: found.strange });
};

/** What is asked of a query: the columns of the table, in this order. */
export type WantedRows = { table: string; content: string; columns: readonly string[]; check: boolean };

/**
 * The statement that gives the wanted columns of a query. A query of one column of type json or jsonb gives documents: their members are the columns, and a
 * member that a document does not have is NULL. `check` reads the documents first, and refuses those that are no objects.
 */
export const selectColumns = async (client: Client, { table, content, columns, check }: WantedRows): Promise<string> => {
  const { fields } = await client.query(`select * from (\n${content}\n) as source limit 0`);
  const [field] = fields;
  const type = fields.length === 1 && field ? DOCUMENTS[field.dataTypeID] : undefined;
  if (type === undefined || (columns.length === 1 && columns[0] === field?.name))
    return `select ${columns.map(quoteIdentifier).join(', ')} from (\n${content}\n) as source`;
  const records = recordsOf(content, type);
  if (check) await refuseOthers(client, { records, type, table });
  const members = columns.map((name) => `record ->> ${quoteLiteral(name)}`);
  return `select ${members.join(', ')} from (${records}) as records where ${type}_typeof(record) = 'object'`;
};
