// Who may reach a connection: members of its group by their permission, its owners, holders of a grant where that is enough, and services.
import type { CallContext } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { isMember, mayAnywhere, mayIn, type UserPrincipal } from '@lethe/grpc/principal';
import { findConnection, ownsAny } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';

const holdsGrant = (principal: UserPrincipal, id: string): boolean =>
  principal.access?.grants.some(({ connectionId }) => connectionId === id) ?? false;

/**
 * Loads a connection for a call. A user who has the permission in no group and owns no connection is refused before the connection is read.
 * `orGrant`: a grant, whatever for, is enough.
 */
export const loadConnection = async (deps: Deps, ctx: CallContext, id: string, { orGrant = false } = {}): Promise<ConnectionRow> => {
  const { permission } = ctx.method.policy;
  const { principal } = ctx;
  const granted = principal.kind === 'user' && orGrant && holdsGrant(principal, id);
  if (principal.kind === 'user' && !granted && !mayAnywhere(principal, permission) && !(await ownsAny(deps.store.db, principal.userId)))
    throw fail('PERMISSION_DENIED', { permission });
  const row = await findConnection(deps.store.db, id);
  if (!row) throw notFound('connection');
  if (principal.kind === 'user') {
    const isEntitled = granted || row.ownerIds.includes(principal.userId);
    if (!isEntitled && !isMember(principal, row.groupId)) throw notFound('connection');
    ctx.groupId = row.groupId;
    if (!isEntitled && !mayIn(principal, permission, row.groupId)) throw fail('PERMISSION_DENIED', { permission });
  }
  ctx.groupId = row.groupId;
  ctx.resource = `connections/${row.id}`;
  return row;
};
