// Whether the caller may know that a connection exists: services read connections for users, and pass on only what these may see.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { isMember, type Principal } from './principal.ts';

/**
 * Members of its group and its owners know a connection, whoever holds a grant for it, and everybody where it is discoverable. Without a user there
 * is nobody to hide it from.
 */
export const mayKnow = (
  principal: Principal,
  { id, groupId, ownerIds, discoverable }: Pick<Connection, 'id' | 'groupId' | 'ownerIds' | 'discoverable'>,
): boolean =>
  principal.kind !== 'user' ||
  discoverable ||
  ownerIds.includes(principal.userId) ||
  isMember(principal, groupId) ||
  (principal.access?.grants.some(({ connectionId }) => connectionId === id) ?? false);
