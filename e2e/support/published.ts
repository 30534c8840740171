// What the published document of a version says about its one table, and whether rows in the target keep to it.
import { BaseType, Role, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { parseDocument } from '@lethe/module/document';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Client } from 'pg';

/** The table as the document describes it, and the name that it has in the target, quoted. */
export type PublishedTable = Table & { storedAs: string };

/** The JSON type of each datatype; the others are text. */
const JSON_TYPES: Partial<Record<BaseType, string>> = {
  [BaseType.BOOLEAN]: 'boolean',
  [BaseType.INTEGER]: 'integer',
  [BaseType.DOUBLE]: 'number',
};

/** Reads the document, as CreateDataModule would. */
export const readPublished = async (document: Record<string, unknown> | undefined): Promise<PublishedTable> => {
  const read = await parseDocument(document ?? {});
  if (!('module' in read)) throw new Error(`the published document has ${read.violations.length} violations`);
  const [table] = read.module.tables;
  const collect = read.module.protocol?.entries[0]?.collect;
  if (table === undefined || collect?.$case !== 'tableRead') throw new Error('the published document collects no table');
  return { ...table, storedAs: `"${collect.value.table}"` };
};

/** The quasi-identifying columns, quoted. */
export const quasiIdentifying = ({ columns }: Table): string[] =>
  columns.filter(({ role }) => role === Role.QUASI_IDENTIFYING).map(({ name }) => `"${name}"`);

const cellSchema = ({ primaryKey }: Table, { name, type, role }: Column): object => ({
  type: [JSON_TYPES[type?.base ?? BaseType.UNSPECIFIED] ?? 'string', ...(primaryKey?.columns.includes(name) ? [] : ['null'])],
  ...(role === Role.PSEUDONYM ? { pattern: '^[0-9a-f]{8,64}$' } : {}),
});

/** The JSON Schema of the table's rows: exactly its columns, each with its type; keys are never empty and pseudonyms are tokens. */
const rowsSchema = (table: Table): object => ({
  type: 'array',
  items: {
    type: 'object',
    additionalProperties: false,
    required: table.columns.map(({ name }) => name),
    properties: Object.fromEntries(table.columns.map((column) => [column.name, cellSchema(table, column)])),
  },
});

/** Where rows of the target break the schema of the document, without their values; empty where all keep to it. */
export const schemaViolations = async (target: Client, table: PublishedTable): Promise<string[]> => {
  const { rows } = await target.query<{ row: object }>(`select row_to_json(stored) as row from ${table.storedAs} as stored`);
  const validate = new Ajv2020({ allowUnionTypes: true }).compile(rowsSchema(table));
  validate(rows.map(({ row }) => row));
  return (validate.errors ?? []).map(({ schemaPath, keyword }) => `${keyword} ${schemaPath}`);
};

/** A count that a query returns. */
export const count = async (target: Client, query: string): Promise<number> =>
  Number((await target.query<{ count: string }>(query)).rows[0]?.count);

/** Rows of the smallest class, NULLs being a category of their own. */
export const smallestClass = (target: Client, table: PublishedTable): Promise<number> =>
  count(
    target,
    `select min(size) as count from (select count(*) as size from ${table.storedAs} group by ${quasiIdentifying(table).join(', ')}) as classes`,
  );
