// Which connections a plan uses, and whether its releaser may use them now.
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, fail, passOn } from '@lethe/grpc/errors';
import type { Ticket } from '@lethe/grpc/service-tokens';
import { missing } from '@lethe/module/missing';
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

/** The group of a connection; undefined where there is no such connection. */
const groupOf = async (deps: Deps, ctx: CallContext, connectionId: string): Promise<string | undefined> => {
  try {
    return (await deps.extdatamodule.getConnection({ connectionId }, { parent: ctx })).connection?.groupId;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    throw passOn(error, 'extdatamodule');
  }
};

const checkGrant = async (
  deps: Deps,
  ctx: CallContext,
  { connectionId, access }: Ticket['connections'][number],
  userId: string,
): Promise<Missing | undefined> => {
  const subject = `connections/${connectionId}`;
  const connectionGroupId = await groupOf(deps, ctx, connectionId);
  if (connectionGroupId === undefined) return missing('CONNECTION_MISSING', subject, 'the connection does not exist');
  const request = { userId, connectionId, access: Access[access], connectionGroupId };
  const { allowed } = await deps.user.checkAccess(request, { parent: ctx }).catch((error: unknown) => {
    throw passOn(error, 'user');
  });
  if (allowed) return undefined;
  return missing('GRANT_MISSING', subject, `${access} access to the connection is not granted; ask its owners (AddAccess)`);
};

/** What is missing for a user to use the connections of a plan: read anew each time, never from a cache. */
export const checkGrants = async (deps: Deps, ctx: CallContext, plan: EffectivePlan, userId: string): Promise<Missing[]> => {
  const results: Missing[] = [];
  for (const connection of connectionsOf(plan)) {
    const result = await checkGrant(deps, ctx, connection, userId);
    if (result) results.push(result);
  }
  return results;
};

/** Refuses where the user who released a plan may no longer use one of its connections. */
export const requireGrants = async (deps: Deps, ctx: CallContext, plan: EffectivePlan, releasedBy: string): Promise<void> => {
  const [first] = await checkGrants(deps, ctx, plan, releasedBy);
  if (first) throw fail('GRANT_MISSING', { connection_id: first.subject.replace('connections/', '') });
};
