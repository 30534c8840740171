// Who may reach a connection: members of its group by their permission, its owners, and services.
import type { CallContext } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { isMember, mayAnywhere, mayIn } from '@lethe/grpc/principal';
import { findConnection, ownsAny } from '../store/connections.ts';
import type { ConnectionRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';

/** Loads a connection for a call. A user who has the permission in no group and owns no connection is refused before the connection is read. */
export const loadConnection = async (deps: Deps, ctx: CallContext, id: string): Promise<ConnectionRow> => {
  const { permission } = ctx.method.policy;
  const { principal } = ctx;
  if (principal.kind === 'user' && !mayAnywhere(principal, permission) && !(await ownsAny(deps.store.db, principal.userId)))
    throw fail('PERMISSION_DENIED', { permission });
  const row = await findConnection(deps.store.db, id);
  if (!row) throw notFound('connection');
  if (principal.kind === 'user') {
    const owner = row.ownerIds.includes(principal.userId);
    if (!owner && !isMember(principal, row.groupId)) throw notFound('connection');
    ctx.groupId = row.groupId;
    if (!owner && !mayIn(principal, permission, row.groupId)) throw fail('PERMISSION_DENIED', { permission });
  }
  ctx.groupId = row.groupId;
  ctx.resource = `connections/${row.id}`;
  return row;
};
