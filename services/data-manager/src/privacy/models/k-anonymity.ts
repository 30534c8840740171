import type { PrivacyModel } from './model.ts';
import { invariant } from '../../domain/defect.ts';

/** k-anonymity (Samarati and Sweeney 1998): each class has at least k rows. Throws a RangeError for a k that is no integer from 1. */
export const kAnonymity = (k: number): PrivacyModel => {
  invariant(Number.isInteger(k) && k >= 1, 'k must be an integer of at least 1');
  return {
    name: 'KAnonymity',
    description: `k = ${k}`,
    isHereditary: true,
    violates: ({ rowCounts }, index) => rowCounts[index]! < k,
  };
};
