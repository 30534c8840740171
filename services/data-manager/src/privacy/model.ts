// Privacy models are pure functions of class counts.
import type { PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { kAnonymity } from './models/k-anonymity.ts';

/** A model: whether it holds for a class. `monotone` = a class that holds goes on to hold when it grows. */
export type Model = { name: string; monotone: boolean; holds: (count: number) => boolean };

/** The models of a requirement; a class must hold all of them. */
export const modelsOf = ({ models }: PrivacyRequirement): Model[] =>
  models.map(({ model }) => {
    if (model?.$case === 'kAnonymity') return kAnonymity(model.value.k);
    throw new RangeError('a requirement names a model that this version does not know');
  });

/** The largest k that a requirement asks; 0 = none. */
export const requiredK = (requirement: PrivacyRequirement | undefined): number =>
  Math.max(0, ...(requirement?.models ?? []).map(({ model }) => (model?.$case === 'kAnonymity' ? model.value.k : 0)));
