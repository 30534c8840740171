// Connections whose owners demand privacy: what they feed is not published without a requirement.
import type { AnonymizationStep } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { effectOf } from './operation-effects.ts';
import { placeOf } from './source-place.ts';

/** A table of the result that no requirement protects, and a connection whose rows may be in it. */
export type Unprotected = { table: string; connectionId: string };

/** Whether a step takes a column out of its table. */
const isRemoved = (steps: readonly AnonymizationStep[], table: string, column: string): boolean =>
  steps.some(({ table: of, operation }) => of === table && operation !== undefined && effectOf(operation).removed.includes(column));

/**
 * The published tables without a requirement over quasi-identifying columns that a demanding connection feeds. A table is fed by the connections of its sources; one that a transform
 * writes, by those of all, since the script may read every table.
 */
export const findUnprotected = (
  { sources, transforms, results, steps }: EffectivePlan,
  demandsPrivacy: (connectionId: string) => boolean,
): Unprotected[] =>
  results
    // A requirement over no quasi-identifying column takes all rows for one class.
    .filter(
      ({ name, unpublished, privacy, columns }) =>
        !unpublished &&
        ((privacy?.models.length ?? 0) === 0 ||
          !columns.some((column) => column.role === Role.QUASI_IDENTIFYING && !isRemoved(steps, name, column.name))),
    )
    .flatMap(({ name }) => {
      const isWritten = transforms.some(({ binding }) => binding?.table === name);
      const feeding = sources.filter((source) => isWritten || placeOf(source).table === name);
      const connections = new Set(feeding.map(({ collect }) => collect?.value.connectionId ?? ''));
      return [...connections].filter(demandsPrivacy).map((connectionId) => ({ table: name, connectionId }));
    });
