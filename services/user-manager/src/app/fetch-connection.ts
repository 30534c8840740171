// Connections are ExtDatamoduleManager's; UserManager reads them in the name of the service.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, notFound, passOn } from '@lethe/grpc/errors';
import { mayKnow } from '@lethe/grpc/known-connection';
import type { Deps } from './deps.ts';

/** The ids of the connections that a user owns. */
export const ownedConnections = async (deps: Deps, ctx: CallContext, userId: string): Promise<string[]> => {
  const ids: string[] = [];
  let pageToken = '';
  do {
    const page = await deps.extdatamodule
      .listOwnedConnections({ userId, pageSize: 1000, pageToken }, { parent: ctx })
      .catch((error: unknown) => {
        throw passOn(error, 'extdatamodule');
      });
    ids.push(...page.connections.map(({ id }) => id));
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return ids;
};

/** The connection of that id; NOT_FOUND where there is none that the caller may know of. */
export const fetchConnection = async (deps: Deps, ctx: CallContext, connectionId: string, kind = 'connection'): Promise<Connection> => {
  try {
    const { connection } = await deps.extdatamodule.getConnection({ connectionId }, { parent: ctx });
    if (!connection || !mayKnow(ctx.principal, connection)) throw notFound(kind);
    return connection;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') throw notFound(kind);
    throw passOn(error, 'extdatamodule');
  }
};
