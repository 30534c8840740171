import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { MAX_RANK } from '@lethe/module/fields/protocol';
import { expect, it } from 'vitest';
import { assertPlannable } from './plannable.ts';
import { ROW_ID_LIMITS } from './row-id.ts';

it('refuses a plan that cannot be run with all its problems in one error', () => {
  const plan = EffectivePlan.fromPartial({ tables: [{ name: 't', columns: [{ name: 'x' }], primaryKey: { columns: ['y'] } }] });
  expect(() => assertPlannable(plan)).toThrow(
    'The plan cannot be run: the column x of table t has no datatype; the table t has no column y; the primary key of table t has no strategy for conflicts.',
  );
});

it('has room in a row id for each rank that a plan may have', () => {
  expect(MAX_RANK).toBeLessThanOrEqual(ROW_ID_LIMITS.rank);
});
