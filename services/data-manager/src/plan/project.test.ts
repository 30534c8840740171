import { Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, it } from 'vitest';
import { Defect } from '../domain/defect.ts';
import { sourceOf } from './project.ts';

const source = sourceOf(Table.fromPartial({ name: 't', columns: [{ name: 'x' }, { name: 'y' }] }));

it('reads a column of a table from the place that it has in the source', () => {
  expect([source('x'), source('y')]).toEqual(['"c0"', '"c1"']);
});

it('has a rule that reads a column which is none of the table for a defect', () => {
  expect(() => source('z')).toThrow(Defect);
  expect(() => source('z')).toThrow('table t: a rule reads column z, which is none of the table');
});
