import type { TestConnectionRequest, TestConnectionResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from './deps.ts';
import { loadConnection } from './load-connection.ts';
import { openSecret } from './secrets.ts';
import { connectionView } from './views.ts';

const DEADLINE_MS = 58_000;

/** Connects through DataManager and describes what is there. */
export const testConnection =
  (deps: Deps) =>
  async (request: TestConnectionRequest, ctx: CallContext): Promise<TestConnectionResponse> => {
    const row = await loadConnection(deps, ctx, request.connectionId);
    const values = openSecret(deps.config, row);
    return deps.data.describeConnection({ connection: connectionView(row), secret: { values } }, { parent: ctx, deadlineMs: DEADLINE_MS });
  };
