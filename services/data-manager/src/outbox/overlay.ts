// An entry's rows as they are now: the stored segments with the edits of Modifie on top.
import { Table, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { csvLine, readCsvExpression } from '../engine/csv-dialect.ts';
import type { Engine } from '../engine/engine.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier, quoteList } from '../plan/identifiers.ts';
import { columnType, engineType, readTextSql } from '../plan/types.ts';
import type { EntryRow } from '../store/tables.ts';

/** One edited row: its cells in the order of the columns, or null where it is deleted. */
export type EditedRow = { rowId: bigint; cells: (string | null)[] | null };

/** An engine that sees the folder of a run's results; `scratch` is a folder in it. */
export type OpenEntry = { engine: Engine; folder: string; scratch: string };

/** The columns of an entry. */
export const columnsOf = (entry: Pick<EntryRow, 'columns'>): Column[] => Table.decode(entry.columns).columns;

const typedNull = (column: Column): string => `CAST(NULL AS ${engineType(columnType(column), DUCKDB)}) AS ${quoteIdentifier(column.name)}`;

const storedRows = (folder: string, entry: Pick<EntryRow, 'segments'>, columns: Column[]): string => {
  const paths = entry.segments.map(({ path }) => join(folder, path));
  if (paths.length > 0)
    return `SELECT row_id, ${columns.map(({ name }) => quoteIdentifier(name)).join(', ')} FROM read_parquet(${quoteList(paths)})`;
  return `SELECT CAST(0 AS BIGINT) AS row_id, ${columns.map(typedNull).join(', ')} WHERE false`;
};

/** A query of an entry's rows: `row_id`, then the columns in their types. The edits are put into `scratch` as a file. */
export const overlayQuery = async (
  { engine, folder, scratch }: OpenEntry,
  entry: Pick<EntryRow, 'columns' | 'segments' | 'id'>,
  edits: EditedRow[],
): Promise<string> => {
  const columns = columnsOf(entry);
  const stored = storedRows(folder, entry, columns);
  if (edits.length === 0) return stored;
  const path = join(scratch, `edits-${entry.id}.csv`);
  const lines = edits.map(({ rowId, cells }) =>
    csvLine([String(rowId), String(cells === null), ...columns.map((_, index) => cells?.[index] ?? null)]),
  );
  await writeFile(path, lines.join(''), { mode: 0o600 });
  const read = readCsvExpression(
    [path],
    [
      { name: 'row_id', type: 'BIGINT' },
      { name: 'is_deleted', type: 'BOOLEAN' },
      ...columns.map((_, index) => ({ name: `c${index}`, type: 'VARCHAR' })),
    ],
  );
  // One for each entry: a reference is checked over the edits of two.
  const edited = quoteIdentifier(`edited ${entry.id}`);
  await engine.sql(`CREATE OR REPLACE TEMP TABLE ${edited} AS FROM ${read}`);
  const values = columns
    .map((column, index) => `${readTextSql(`c${index}`, columnType(column), DUCKDB)} AS ${quoteIdentifier(column.name)}`)
    .join(', ');
  return `SELECT * FROM (${stored}) WHERE row_id NOT IN (SELECT row_id FROM ${edited}) UNION ALL SELECT row_id, ${values} FROM ${edited} WHERE NOT is_deleted`;
};
