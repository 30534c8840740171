// Loads resources of groups for a call: who may not see one is told that it does not exist.
import type { CallContext } from './context.ts';
import { fail, notFound } from './errors.ts';
import { resourceName } from './middleware/request-view.ts';
import { isMember, mayIn } from './principal.ts';

/** A row that belongs to a group. */
export type GroupOwned = { id: string; groupId: string };

/**
 * Loads a resource for a call. Missing and foreign ids get the same NOT_FOUND; a member without the permission gets PERMISSION_DENIED. A service is
 * limited to the group that its token carries. What was found goes into the call's audit record.
 */
export const loadVisible = async <Row extends GroupOwned>(
  ctx: CallContext,
  kind: string,
  row: Promise<Row | undefined>,
  permission: string = ctx.method.policy.permission,
): Promise<Row> => {
  const found = await row;
  if (!found || !mayKnow(ctx, found.groupId)) throw notFound(kind);
  ctx.groupId = found.groupId;
  ctx.resource = resourceName(kind, found.id);
  if (ctx.principal.kind === 'user' && !mayIn(ctx.principal, permission, found.groupId)) throw fail('PERMISSION_DENIED', { permission });
  return found;
};

const mayKnow = (ctx: CallContext, groupId: string): boolean => {
  if (ctx.principal.kind === 'service') return ctx.principal.groupId === groupId;
  return isMember(ctx.principal, groupId);
};
