// A request that the caller may decide on or revoke: the caller owns its connection.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { findAccessRequest } from '../store/access-requests.ts';
import type { AccessRequestRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { fetchConnection } from './fetch-connection.ts';

/** Loads a request whose connection the caller owns; anything else is NOT_FOUND. */
export const loadOwnedRequest = async (
  deps: Deps,
  ctx: UserCall,
  id: string,
): Promise<{ request: AccessRequestRow; connection: Connection }> => {
  const request = await findAccessRequest(deps.store.db, id);
  if (!request) throw notFound('access_request');
  const connection = await fetchConnection(deps, ctx, request.connectionId, 'access_request');
  const caller = ctx.user;
  if (!caller.superuser && !connection.ownerIds.includes(caller.userId)) throw notFound('access_request');
  ctx.groupId = connection.groupId;
  return { request, connection };
};
