// The connections that a plan uses, looked up once: their group, and their type.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import { mayKnow } from '@lethe/grpc/known-connection';
import type { Ticket } from '@lethe/grpc/service-tokens';
import type { Deps } from './deps.ts';

const sourceConnection = ({ collect }: EffectivePlan['sources'][number]): string => collect?.value.connectionId ?? '';

/** The connections of a plan with what is done to them; each once. */
export const connectionsOf = (plan: EffectivePlan): Ticket['connections'] => {
  const wanted = [
    ...plan.sources.map((source) => ({ connectionId: sourceConnection(source), access: 'READ' as const })),
    ...plan.uploads.map(({ connectionId }) => ({ connectionId, access: 'WRITE' as const })),
  ].filter(({ connectionId }) => connectionId !== '');
  return [...new Map(wanted.map((connection) => [`${connection.connectionId}/${connection.access}`, connection])).values()];
};

/** What is known of a connection here. */
export type KnownConnection = Pick<Connection, 'groupId' | 'type' | 'requirePrivacy'>;

/** Whether a user may use a connection now, as UserManager says. */
export const isAllowed = async (
  deps: Deps,
  ctx: CallContext,
  { connectionId, access }: Ticket['connections'][number],
  { userId, connectionGroupId }: { userId: string; connectionGroupId: string },
): Promise<boolean> => {
  const request = { userId, connectionId, access: Access[access], connectionGroupId };
  const { allowed } = await deps.user.checkAccess(request, { parent: ctx }).catch((error: unknown) => {
    throw passOn(error, 'user');
  });
  return allowed;
};

const fetchConnection = async (deps: Deps, ctx: CallContext, connectionId: string): Promise<Connection | undefined> => {
  try {
    const { connection } = await deps.extdatamodule.getConnection({ connectionId }, { parent: ctx });
    return connection;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    throw passOn(error, 'extdatamodule');
  }
};

/**
 * The connections of a plan, by id. Absent are those that do not exist, and those of which the caller may not know while `userId`, for whom the plan
 * is judged, may not use them: their types and what their owners demand would tell the caller that they are there.
 */
export const findConnections = async (
  deps: Deps,
  ctx: CallContext,
  plan: EffectivePlan,
  userId: string,
): Promise<Map<string, KnownConnection>> => {
  const found = new Map<string, KnownConnection>();
  const uses = Map.groupBy(connectionsOf(plan), ({ connectionId }) => connectionId);
  for (const [connectionId, wanted] of uses) {
    const connection = await fetchConnection(deps, ctx, connectionId);
    if (!connection) continue;
    let isKnown = mayKnow(ctx.principal, connection);
    for (const use of isKnown ? [] : wanted) isKnown ||= await isAllowed(deps, ctx, use, { userId, connectionGroupId: connection.groupId });
    if (isKnown) found.set(connectionId, connection);
  }
  return found;
};
