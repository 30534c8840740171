import { EmptyStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, it } from 'vitest';
import { Defect } from '../domain/defect.ts';
import { DUCKDB } from './dialect.ts';
import { readColumn, readOtherSql } from './read-column.ts';

const table = Table.fromPartial({
  name: 't',
  columns: [
    { name: 'x', type: { base: BaseType.STRING } },
    { name: 'y', type: { base: BaseType.STRING }, empty: { nullMarkers: ['?'], strategy: EmptyStrategy.DROP_RECORD } },
  ],
});

it('reads a column of a table from the place that it has in the source', () => {
  expect(readColumn(table, 'x', DUCKDB)).toEqual({ text: '"c0"', isEmpty: '"c0" IS NULL' });
});

it('has NULL for a null marker of another column', () => {
  expect(readOtherSql(table, 'y', DUCKDB)).toBe(`CASE WHEN ("c1" IS NULL OR "c1" IN ('?')) THEN NULL ELSE "c1" END`);
});

it('has a rule that reads a column which is none of the table for a defect', () => {
  expect(() => readColumn(table, 'z', DUCKDB)).toThrow(Defect);
  expect(() => readColumn(table, 'z', DUCKDB)).toThrow('table t: a rule reads column z, which is none of the table');
});
