// Which connections a plan uses, and whether its releaser may use them now.
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
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

/** What is missing for `userId` to use the connections of a plan: asked fresh, never from a cache. */
export const checkGrants = async (deps: Deps, ctx: CallContext, plan: EffectivePlan, userId: string): Promise<Missing[]> => {
  const found: Missing[] = [];
  for (const { connectionId, access } of connectionsOf(plan)) {
    const subject = `connections/${connectionId}`;
    const connectionGroupId = await groupOf(deps, ctx, connectionId);
    if (connectionGroupId === undefined) {
      found.push(missing('CONNECTION_MISSING', subject, 'the connection does not exist'));
      continue;
    }
    const question = { userId, connectionId, access: access === 'READ' ? Access.READ : Access.WRITE, connectionGroupId };
    const { allowed } = await deps.user.checkAccess(question, { parent: ctx }).catch((error: unknown) => {
      throw passOn(error, 'user');
    });
    if (!allowed)
      found.push(missing('GRANT_MISSING', subject, `${access} access to the connection is not granted; ask its owners (AddAccess)`));
  }
  return found;
};
