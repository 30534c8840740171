// The content hash of rows that were read back from a target.
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { readCsvExpression } from '../engine/csv-dialect.ts';
import type { Engine } from '../engine/engine.ts';
import { withLongLines } from '../engine/long-lines.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, readTextSql } from '../plan/types.ts';
import { contentHashOf } from '../outbox/content-hash.ts';

/** Reads a csv file of a target into the columns' types and hashes its rows, in whatever order they are. */
export const readBackHash = (engine: Engine, csvPath: string, columns: Column[]): Promise<string> => {
  const texts = columns.map((_, index) => ({ name: `c${index}`, type: 'VARCHAR' }));
  const values = columns
    .map((column, index) => `${readTextSql(`c${index}`, columnType(column), DUCKDB)} AS ${quoteIdentifier(column.name)}`)
    .join(', ');
  return withLongLines((lineBytes) =>
    contentHashOf(engine, `SELECT ${values} FROM ${readCsvExpression([csvPath], texts, lineBytes)}`, columns),
  );
};
