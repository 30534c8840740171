// Connections are ExtDatamoduleManager's; UserManager reads them in the name of the service.
import type { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, notFound, passOn } from '@lethe/grpc/errors';
import type { Deps } from './deps.ts';

/** The connection of that id; NOT_FOUND where there is none. */
export const fetchConnection = async (deps: Deps, ctx: CallContext, connectionId: string, kind = 'connection'): Promise<Connection> => {
  try {
    const { connection } = await deps.extdatamodule.getConnection({ connectionId }, { parent: ctx });
    if (!connection) throw notFound(kind);
    return connection;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') throw notFound(kind);
    throw passOn(error, 'extdatamodule');
  }
};
