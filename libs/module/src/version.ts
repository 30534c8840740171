// Versions by content (Semantic Versioning 2.0.0): only rows and result schema count.
import type { TableVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { inc } from 'semver';

/** What a version changes. */
export type Change = 'major' | 'minor' | 'patch';

const FIRST = '1.0.0';

/** The version after `base`; the first when there is none. */
export const nextVersion = (base: string | undefined, change: Change): string =>
  base === undefined || base === '' ? FIRST : (inc(base, change) ?? FIRST);

/**
 * Compares two versions' tables. Something removed, a changed schema, or changed rows → major; rows or tables added alone → minor; the same → patch.
 * `onlyAdditions` says of a table whether every row of the base is still there; absent counts as no.
 */
export const classifyChange = (
  base: readonly TableVersion[],
  tables: readonly TableVersion[],
  onlyAdditions: Record<string, boolean>,
): Change => {
  let change: Change = 'patch';
  for (const before of base) {
    const after = tables.find(({ table }) => table === before.table);
    if (!after || after.schemaHash !== before.schemaHash) return 'major';
    if (after.contentHash === before.contentHash) continue;
    if (onlyAdditions[before.table] !== true) return 'major';
    change = 'minor';
  }
  const added = tables.some(({ table }) => !base.some((before) => before.table === table));
  return added ? 'minor' : change;
};
