import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, type Column, type Role, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { DUCKDB } from '../../src/plan/dialect.ts';
import { quoteIdentifier, quoteLiteral } from '../../src/plan/identifiers.ts';
import { columnType, engineType } from '../../src/plan/types.ts';
import { describeSegment, writeManifest, type StageTable } from '../../src/stages/stage-manifest.ts';
import type { Bench } from './run-fixture.ts';

/** Rows of texts per table of a plan. */
export type FixtureInput = { plan: EffectivePlan; rows: Record<string, (string | null)[][]>; segmentRows?: number | undefined };

/** For tests: rows of texts per table, as the stage before anonymization leaves them, cut into segments of the given sizes. */
export const writeInput = async (bench: Bench, directory: string, { plan, rows, segmentRows = 1000 }: FixtureInput): Promise<void> => {
  await mkdir(join(directory, 'transform'), { recursive: true });
  const tables: StageTable[] = [];
  for (const { name, columns } of plan.results) {
    const table: StageTable = { table: name, columns, segments: [] };
    const own = rows[name] ?? [];
    for (let first = 0; first < own.length; first += segmentRows) {
      const path = `transform/${name}-${first}.parquet`;
      const tuples = own.slice(first, first + segmentRows).map((row, index) => {
        const cells = row.map((cell, place) => {
          const type = engineType(columnType(columns[place] as Column), DUCKDB);
          return cell === null ? `CAST(NULL AS ${type})` : `CAST(${quoteLiteral(cell)} AS ${type})`;
        });
        return `(CAST(${first + index + 7000} AS BIGINT), ${cells.join(', ')})`;
      });
      const names = ['row_id', ...columns.map((column) => quoteIdentifier(column.name))].join(', ');
      const { rowCount } = await bench.engine.copyOut(
        `SELECT * FROM (VALUES ${tuples.join(', ')}) AS _v(${names})`,
        join(directory, path),
        'parquet',
      );
      table.segments.push(await describeSegment(join(directory, path), path, rowCount));
    }
    tables.push(table);
  }
  await writeManifest(join(directory, 'transform'), { stage: 'transform', planHash: 'plan-hash', inputHash: '', tables, reports: [] });
};

/** For tests: a column with a role. */
export const roleColumn = (name: string, role: Role, base: BaseType = BaseType.STRING): Column => {
  const [made] = Table.fromPartial({ columns: [{ name, role, type: { base } }] }).columns;
  if (made === undefined) throw new Error('no column');
  return made;
};
