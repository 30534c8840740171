import type { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { fail } from '@lethe/grpc/errors';
import { repeatedRank, type RankScope } from '../domain/bindings.ts';

/** Refuses bindings of which two have the same rank. */
export const checkRanks = (bindings: readonly ScriptBinding[], scope: RankScope): void => {
  const repeated = repeatedRank(bindings, scope);
  if (repeated === undefined) return;
  const field = `bindings[${repeated}].rank`;
  throw fail('RANK_TWICE', {}, { fields: [{ field, rule: 'RANK_TWICE', description: 'the rank is taken' }] });
};
