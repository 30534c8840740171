// What a secret belongs to: where it is sent, and as whom.

// Settings that leave the destination as it is; every other one is part of it, those of types to come too.
const HARMLESS: Record<string, readonly string[]> = {
  postgres: ['schema'],
};

/** Whether two settings of a type lead to the same server, as the same user, over the same kind of transport. */
export const sameDestination = (type: string, before: Record<string, unknown>, after: Record<string, unknown>): boolean => {
  const harmless = HARMLESS[type] ?? [];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].every((name) => harmless.includes(name) || JSON.stringify(before[name]) === JSON.stringify(after[name]));
};
