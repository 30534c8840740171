// Whether a plan may use its connections now.
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import type { Ticket } from '@lethe/grpc/service-tokens';
import { findUnprotected, type Unprotected } from '@lethe/module/check-required-privacy';
import { missing, type MissingKind } from '@lethe/module/missing';
import { connectionsOf, findConnections, isAllowed, type KnownConnection } from './connections.ts';
import type { Deps } from './deps.ts';

/** What a connection lacks. */
type Lack = { connectionId: string; missing: Missing };

const checkGrant = async (
  deps: Deps,
  ctx: CallContext,
  use: Ticket['connections'][number],
  { userId, known }: { userId: string; known: ReadonlyMap<string, KnownConnection> },
): Promise<Lack | undefined> => {
  const { connectionId, access } = use;
  const connectionGroupId = known.get(connectionId)?.groupId;
  const lack = (kind: MissingKind, description: string): Lack => ({
    connectionId,
    missing: missing(kind, `connections/${connectionId}`, description),
  });
  if (connectionGroupId === undefined) return lack('CONNECTION_MISSING', 'the connection does not exist');
  if (await isAllowed(deps, ctx, use, { userId, connectionGroupId })) return undefined;
  return lack('GRANT_MISSING', `${access} access to the connection is not granted; ask its owners (AddAccess)`);
};

/** What is missing for a user to use the connections of a plan: read anew each time, never from a cache. */
export const checkGrants = async (
  deps: Deps,
  ctx: CallContext,
  plan: EffectivePlan,
  who: { userId: string; known: ReadonlyMap<string, KnownConnection> },
): Promise<Lack[]> => {
  const results: Lack[] = [];
  for (const connection of connectionsOf(plan)) {
    const result = await checkGrant(deps, ctx, connection, who);
    if (result) results.push(result);
  }
  return results;
};

/** What a plan lacks of the privacy that the owners of its connections demand. */
export const checkDemandedPrivacy = (plan: EffectivePlan, known: ReadonlyMap<string, KnownConnection>): Unprotected[] =>
  findUnprotected(plan, (connectionId) => known.get(connectionId)?.requirePrivacy === true);

/** Refuses where a plan may no longer use one of its connections: the user who released it lost a grant, or the owners demand privacy by now. */
export const requireConnections = async (deps: Deps, ctx: CallContext, plan: EffectivePlan, releasedBy: string): Promise<void> => {
  const known = await findConnections(deps, ctx, plan, releasedBy);
  const [first] = await checkGrants(deps, ctx, plan, { userId: releasedBy, known });
  if (first) throw fail('GRANT_MISSING', { connection_id: first.connectionId });
  const [unprotected] = checkDemandedPrivacy(plan, known);
  if (unprotected) throw fail('PRIVACY_REQUIRED', { table: unprotected.table, connection_id: unprotected.connectionId });
};
