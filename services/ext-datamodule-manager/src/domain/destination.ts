// What a secret belongs to: where it is sent, and as whom.
import { connectionType, type ConnectionType } from '@lethe/module/connection-types';

// Settings that leave the destination as it is; every other one is part of it.
const HARMLESS: Record<ConnectionType, readonly string[]> = {
  postgres: ['schema'],
  file: [],
  http: [],
};

/** Whether two settings of a type lead to the same server, as the same user, over the same kind of transport. */
export const sameDestination = (type: string, before: Record<string, unknown>, after: Record<string, unknown>): boolean => {
  const known = connectionType(type);
  const harmless = known ? HARMLESS[known] : [];
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].every((name) => harmless.includes(name) || JSON.stringify(before[name]) === JSON.stringify(after[name]));
};
