import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { checkPlan } from '@lethe/module/check-module';
import { stageError } from '../domain/run-error.ts';

/** Throws PLAN_INVALID, which names everything in a plan that no run could carry out; called before a run begins. */
export const assertPlannable = (plan: EffectivePlan): void => {
  const violations = checkPlan(plan);
  if (violations.length > 0) throw stageError('PLAN_INVALID', { problems: violations.map(({ message }) => message).join('; ') });
};
