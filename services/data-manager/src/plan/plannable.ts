import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { checkPlan } from '@lethe/module/check-module';

/** Throws an Error that names everything in a plan that no run could carry out; called before a run begins. */
export const assertPlannable = (plan: EffectivePlan): void => {
  const violations = checkPlan(plan);
  if (violations.length > 0) throw new Error(`The plan cannot be run: ${violations.map(({ message }) => message).join('; ')}.`);
};
