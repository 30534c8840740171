import { fail } from './errors.ts';

/**
 * The paths that an update changes: those of the mask, `*` = all, no mask = the populated ones.
 * A path that is not mutable is refused; a path's parent stands for all below it.
 */
export const readMask = (
  mask: readonly string[] | undefined,
  mutable: readonly string[],
  populated: (path: string) => boolean,
): Set<string> => {
  if (mask === undefined || mask.length === 0) return new Set(mutable.filter(populated));
  if (mask.includes('*')) return new Set(mutable);
  const chosen = new Set<string>();
  for (const path of mask) {
    const matches = mutable.filter((candidate) => candidate === path || candidate.startsWith(`${path}.`));
    if (matches.length === 0) {
      throw fail(
        'MASK_INVALID',
        { path },
        { fields: [{ field: 'update_mask', rule: 'MASK_INVALID', description: `no mutable field ${path}` }] },
      );
    }
    matches.forEach((match) => chosen.add(match));
  }
  return chosen;
};
