// The connections that a plan uses, looked up once: their group, and their type.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
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

const findConnection = async (deps: Deps, ctx: CallContext, connectionId: string): Promise<KnownConnection | undefined> => {
  try {
    const { connection } = await deps.extdatamodule.getConnection({ connectionId }, { parent: ctx });
    return connection;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    throw passOn(error, 'extdatamodule');
  }
};

/** The connections of a plan, by id; those that do not exist are absent. */
export const findConnections = async (deps: Deps, ctx: CallContext, plan: EffectivePlan): Promise<Map<string, KnownConnection>> => {
  const found = new Map<string, KnownConnection>();
  for (const connectionId of new Set(connectionsOf(plan).map((connection) => connection.connectionId))) {
    const connection = await findConnection(deps, ctx, connectionId);
    if (connection) found.set(connectionId, connection);
  }
  return found;
};
