// Order-independent hashes of rows.
import type { Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { createHash } from 'node:crypto';
import type { Engine } from '../engine/engine.ts';
import { DUCKDB } from '../plan/dialect.ts';
import { quoteIdentifier } from '../plan/identifiers.ts';
import { columnType, engineType, writeTextSql } from '../plan/types.ts';

/** SQL of a row's canonical text: each value with its length before it, NULL apart from every text. */
const rowTextSql = (columns: readonly Column[]): string => {
  const cells = columns.map((column) => {
    const text = writeTextSql(quoteIdentifier(column.name), columnType(column), DUCKDB);
    return `coalesce(length(${text}) || ':' || ${text}, '-')`;
  });
  // One function: an operator between each two would be nested as deep as the table is wide.
  return `concat(${cells.join(', ')})`;
};

/** SQL of a row's digest: SHA-256 of its canonical text, hex. */
export const rowDigestSql = (columns: readonly Column[]): string => `sha256(${rowTextSql(columns)})`;

/**
 * The hash of a multiset of rows: the sums, modulo 2^64, of the four words of the rows' SHA-256 digests, and the number of rows, hashed once more.
 * Integer sums do not depend on the order, nor on how the rows are cut into files.
 */
export const contentHashOf = async (engine: Engine, rowsQuery: string, columns: readonly Column[]): Promise<string> => {
  const words = [0, 1, 2, 3].map(
    (word) => `sum(CAST(CAST('0x' || substr(digest, ${word * 16 + 1}, 16) AS UBIGINT) AS HUGEINT)) % 18446744073709551616`,
  );
  const { rows } = await engine.sql(
    `SELECT count(*), ${words.join(', ')} FROM (SELECT ${rowDigestSql(columns)} AS digest FROM (${rowsQuery}))`,
  );
  return createHash('sha256')
    .update((rows[0] ?? []).map((value) => value ?? '0').join('|'))
    .digest('hex');
};

/** The hash of names and types of columns, in their order. */
export const schemaHashOf = (columns: readonly Column[]): string =>
  createHash('sha256')
    .update(
      JSON.stringify(
        columns.map((column) => {
          const { native } = columnType(column);
          return [column.name, engineType(columnType(column), DUCKDB), ...(native === '' ? [] : [native])];
        }),
      ),
    )
    .digest('hex');
