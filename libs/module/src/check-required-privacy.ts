// Connections whose owners demand privacy: what they feed is not published without a requirement.
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { placeOf } from './source.ts';

/** A table of the result under `privacy: none`, and a connection whose rows may be in it. */
export type Unprotected = { table: string; connectionId: string };

/**
 * The published tables without a requirement that a demanding connection feeds. A table is fed by the connections of its sources; one that a transform
 * writes, by those of all, since the script may read every table.
 */
export const findUnprotected = (
  { sources, transforms, results }: EffectivePlan,
  demandsPrivacy: (connectionId: string) => boolean,
): Unprotected[] =>
  results
    .filter(({ unpublished, privacy }) => !unpublished && (privacy?.models.length ?? 0) === 0)
    .flatMap(({ name }) => {
      const isWritten = transforms.some(({ binding }) => binding?.table === name);
      const feeding = sources.filter((source) => isWritten || placeOf(source).table === name);
      const connections = new Set(feeding.map(({ collect }) => collect?.value.connectionId ?? ''));
      return [...connections].filter(demandsPrivacy).map((connectionId) => ({ table: name, connectionId }));
    });
