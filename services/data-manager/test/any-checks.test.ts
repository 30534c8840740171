// What the test over random modules asks of a target finds each fault that is planted there.
import { query } from '@lethe/testkit/orders';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checksOf } from './support/any-checks.ts';
import type { AnyModule, AnyTable } from './support/any-module.ts';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
});
afterAll(() => suite.close());

const table = (parent: number, isComposite: boolean): AnyTable => ({
  isComposite,
  key: 'SourcePriority',
  range: 'Clamp',
  isRequired: true,
  references: [{ parent, nullReference: 'drop' }],
  k: isComposite ? 0 : 2,
  suppressionLimit: '0',
  isOnOwnConnections: false,
  sources: [],
});
const module: AnyModule = { tables: [table(0, false), table(0, true)], isTaken: false, mode: 'versioned', transform: 'none', edits: [] };

/** What the checks find after a statement at a target whose rows were right. */
const foundAfter = async (statement: string): Promise<string[]> => {
  await query(
    suite,
    `drop schema if exists planted cascade; create schema planted; set search_path = planted;
     create table t0 (id int, n int, q text, v text, r0 int);
     insert into t0 values (1, 0, 'A', 'x', 1), (2, 50, 'A', 'x', 1), (3, 7, 'B', 'x', 2), (4, 8, 'B', 'x', 2);
     create table t1 as select * from t0; ${statement}`,
  );
  const found: string[] = [];
  for (const { about, sql } of checksOf(module, ['planted.t0', 'planted.t1'])) {
    const [row] = await query<{ broken: string }>(suite, sql);
    if (row?.broken !== '0') found.push(about);
  }
  return found;
};

test.each<[planted: string, statement: string, found: string[]]>([
  ['nothing', '', []],
  ['a key twice', "insert into t0 values (4, 9, 'B', 'x', 2)", ['key of t0']],
  ['a composite key twice', "insert into t1 values (4, 9, 'B', 'x', 2)", ['key of t1']],
  ['a value beyond its range', 'update t0 set n = 51 where id = 3', ['range of t0']],
  ['an empty required value', 'update t1 set v = null where id = 3', ['required column of t1']],
  ['a class below k', "update t0 set q = 'C' where id = 4", ['k of t0']],
  ['a reference without its row', 'update t1 set r0 = 9 where id = 1', ['reference r0 of t1']],
  ['a row that others refer to, gone', "delete from t0 where id = 2; update t0 set q = 'B', r0 = 1", ['reference r0 of t1']],
  ['an empty reference', 'update t0 set r0 = null where id = 1', ['empty reference r0 of t0']],
])('%s is found', async (_planted, statement, found) => {
  expect(await foundAfter(statement)).toEqual(found);
});
