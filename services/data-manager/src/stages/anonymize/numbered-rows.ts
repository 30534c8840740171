// The rows of a result, numbered 1…n by their content: neither an earlier row id nor the order of the input leaves the stage.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Engine } from '../../engine/engine.ts';
import { WIDE } from '../../engine/limits.ts';
import { rowDigestSql } from '../../outbox/content-hash.ts';
import { quoteLiteral, quoteNames } from '../../plan/identifiers.ts';
import { ownColumns, type Relation } from '../../privacy/steps/relation.ts';

/** Rows of one segment: about a hundred megabytes of Parquet at usual widths. */
const SEGMENT_ROWS = 4_194_304;

/** Queries of the segments one after the other, and what takes away what they are made from. */
export type NumberedRows = { segments: string[]; close: () => Promise<void> };

const ranges = (rowCount: number, segmentRows: number): [first: number, end: number][] =>
  Array.from({ length: Math.ceil(rowCount / segmentRows) }, (_, index) => [index * segmentRows + 1, (index + 1) * segmentRows + 1]);

const narrow = async (engine: Engine, relation: Relation, rowCount: number): Promise<NumberedRows> => {
  const names = quoteNames(ownColumns(relation).map(({ name }) => name));
  const query = `SELECT CAST(row_number() OVER (ORDER BY ${names}) AS BIGINT) AS row_id, ${names} FROM (${relation.query})`;
  if (rowCount <= SEGMENT_ROWS) return { segments: [query], close: async () => {} };
  await engine.sql(`CREATE OR REPLACE TABLE _numbered AS ${query}`);
  return {
    segments: ranges(rowCount, SEGMENT_ROWS).map(
      ([first, end]) => `SELECT * FROM _numbered WHERE row_id >= ${first} AND row_id < ${end} ORDER BY row_id`,
    ),
    close: async () => {
      await engine.sql('DROP TABLE _numbered');
    },
  };
};

/**
 * Sorting whole rows of a wide table takes more memory than the engine has: their digests are sorted, and the rows are put in that order in
 * parts, from a file that keeps them in the order that they came in.
 */
const wide = async (engine: Engine, relation: Relation, rowCount: number, scratch: string): Promise<NumberedRows> => {
  const columns = ownColumns(relation);
  const names = quoteNames(columns.map(({ name }) => name));
  const path = join(scratch, '.wide.parquet');
  await engine.copyOut(`SELECT ${names} FROM (${relation.query})`, path, 'rawParquet');
  const file = `read_parquet(${quoteLiteral(path)}, file_row_number = true)`;
  await engine.sql(
    `CREATE OR REPLACE TABLE _order AS SELECT place, CAST(row_number() OVER (ORDER BY digest) AS BIGINT) AS row_id ` +
      `FROM (SELECT file_row_number AS place, ${rowDigestSql(columns)} AS digest FROM ${file})`,
  );
  const segmentRows = Math.max(WIDE.leastSegmentRows, Math.floor(WIDE.segmentCells / columns.length));
  return {
    segments: ranges(rowCount, segmentRows).map(
      ([first, end]) =>
        `SELECT row_id, ${names} FROM ${file} AS _rows JOIN (SELECT * FROM _order WHERE row_id >= ${first} AND row_id < ${end}) AS _places ` +
        `ON _places.place = _rows.file_row_number ORDER BY row_id`,
    ),
    close: async () => {
      await engine.sql('DROP TABLE _order');
      await rm(path, { force: true });
    },
  };
};

/** Numbers the rows of a relation. `scratch` is a folder that the engine sees. */
export const numberRows = (engine: Engine, relation: Relation, rowCount: number, scratch: string): Promise<NumberedRows> =>
  ownColumns(relation).length > WIDE.columns ? wide(engine, relation, rowCount, scratch) : narrow(engine, relation, rowCount);
