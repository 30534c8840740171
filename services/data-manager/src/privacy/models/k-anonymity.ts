import type { Model } from '../model.ts';

/** Each class stands for at least k rows (Samarati and Sweeney, 1998). */
export const kAnonymity = (k: number): Model => ({ name: `k-anonymity, k = ${k}`, monotone: true, holds: (count) => count >= k });
