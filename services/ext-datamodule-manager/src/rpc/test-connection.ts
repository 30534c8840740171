import type { TestConnectionRequest, TestConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { openSecret } from '../app/connection-secret.ts';
import type { Deps } from '../app/deps.ts';
import { loadConnection } from '../app/load-connection.ts';
import { connectionView } from '../app/views.ts';

const DEADLINE_MS = 58_000;

/** Connects through DataManager and describes what is there. Whoever may use the connection in a task may see what it leads to. */
export const testConnection =
  (deps: Deps) =>
  async (request: TestConnectionRequest, ctx: CallContext): Promise<TestConnectionResponse> => {
    const row = await loadConnection(deps, ctx, request.connectionId, { orGrant: true });
    const values = openSecret(deps.config, row);
    return deps.data.describeConnection({ connection: connectionView(row), secret: { values } }, { parent: ctx, deadlineMs: DEADLINE_MS });
  };
