import type { GetConnectionRequest, GetConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';
import { loadConnection } from '../app/load-connection.ts';
import { connectionView } from '../app/views.ts';

/** A connection, without secrets. */
export const getConnection =
  (deps: Deps) =>
  async (request: GetConnectionRequest, ctx: CallContext): Promise<GetConnectionResponse> => ({
    connection: connectionView(await loadConnection(deps, ctx, request.connectionId)),
  });
