import { join } from 'node:path';
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { Engine } from '../../engine/engine.ts';
import { quoteIdentifier } from '../../plan/identifiers.ts';
import { rowIdBounds } from '../../plan/row-id.ts';
import { badValuesQuery, placedRowsStatement, segmentQuery, typedRowsStatement, type ScriptValue } from '../../plan/script-result.ts';
import { stageError } from '../../domain/run-error.ts';

/** Rows of one segment of a script's output: about a hundred megabytes of Parquet at usual widths. */
export const SCRIPT_SEGMENT_ROWS = 4_194_304;

const TYPED = '_typed';
const PLACED = '_placed';

/** A script's result: where its rows are, how each declared column is read from them, and how many values of each were refused before. */
export type ScriptRows = { table: string; rank: number; columns: Column[]; from: string; values: ScriptValue[]; bad?: readonly number[] };

export type WrittenFile = { path: string; rowCount: number };

/**
 * Checks a script's rows against the declared types, numbers them by content, and writes them as Parquet into `folder`. Throws
 * SCRIPT_VALUES_INVALID with table, column and count where a value does not fit its type.
 */
export const writeScriptRows = async (engine: Engine, rows: ScriptRows, folder: string): Promise<WrittenFile[]> => {
  const { table, columns } = rows;
  await engine.sql(typedRowsStatement(TYPED, rows.from, columns, rows.values));
  const bad = (await engine.sql(badValuesQuery(TYPED, columns))).rows[0] ?? [];
  const failures = columns.flatMap((column, index) => {
    const count = Number(bad[index] ?? 0) + (rows.bad?.[index] ?? 0);
    return count === 0 ? [] : [`column ${column.name}: ${count} values`];
  });
  if (failures.length > 0) throw stageError('SCRIPT_VALUES_INVALID', { table, failures: failures.join('; ') });
  await engine.sql(placedRowsStatement(PLACED, TYPED, columns));
  await engine.sql(`DROP TABLE ${quoteIdentifier(TYPED)}`);
  const total = Number((await engine.sql(`SELECT count(*) FROM ${quoteIdentifier(PLACED)}`)).rows[0]?.[0] ?? 0);
  const files: WrittenFile[] = [];
  for (let first = 0; first < total; first += SCRIPT_SEGMENT_ROWS) {
    const segment = first / SCRIPT_SEGMENT_ROWS;
    const path = join(folder, `${table}-${rows.rank}-${segment}.parquet`);
    const { firstRowId } = rowIdBounds(rows.rank, segment, Math.min(SCRIPT_SEGMENT_ROWS, total - first));
    const query = segmentQuery(PLACED, columns, { firstPlace: first, rowCount: SCRIPT_SEGMENT_ROWS, firstRowId });
    const { rowCount } = await engine.copyOut(query, path, 'parquet');
    files.push({ path, rowCount });
  }
  await engine.sql(`DROP TABLE ${quoteIdentifier(PLACED)}`);
  return files;
};
