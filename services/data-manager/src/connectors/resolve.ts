// Connections and scripts of a run, fetched in the name of the service with the run's ticket.
import type { PinnedScript } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { ScriptVersion } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Connection, ConnectionSecret } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import type { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { ServiceClient } from '@lethe/grpc/client';
import { CallError } from '@lethe/grpc/errors';
import type { TokenRequest } from '@lethe/grpc/service-tokens';
import { createHash } from 'node:crypto';
import type { ResolvedConnection } from './connector.ts';
import type { ExecutionRow } from '../store/tables.ts';
import { invariant } from '../domain/defect.ts';
import { RunError, stageError } from '../domain/run-error.ts';

/** How the services are called that keep connections and scripts. */
type ServiceAccess = {
  extdatamodule: Pick<ServiceClient<typeof ExtDatamoduleManagerDefinition>, 'resolveConnection'>;
  script: Pick<ServiceClient<typeof ScriptManagerDefinition>, 'getScript'>;
  serviceToken: (request: TokenRequest) => Promise<string>;
};

const TRANSIENT = new Set(['UNAVAILABLE', 'DEADLINE_EXCEEDED', 'DEPENDENCY_UNAVAILABLE', 'OVERLOADED', 'DRAINING', 'CONFLICT']);

/** What an error of another service means for a run. */
export const fromCall = (error: unknown, service: string): unknown => {
  if (!(error instanceof CallError)) return error;
  if (TRANSIENT.has(error.reason)) return stageError('SERVICE_AWAY', { service }, error);
  if (error.reason === 'BASE_VERSION_CHANGED' || error.reason === 'VERSION_STATE') return stageError(error.reason, {}, error);
  return stageError('SERVICE_REFUSED', { service, reason: error.reason }, error);
};

/** A connection with its secrets, as connectors take it. */
export const resolvedOf = (connection: Connection | undefined, secret: ConnectionSecret | undefined): ResolvedConnection => {
  invariant(connection, 'a connection was resolved to nothing');
  const { id, groupId, displayName: name, type, settings = {} } = connection;
  return { id, groupId, name, type, settings, secret: secret?.values ?? {} };
};

/** The address and secrets of a connection, against the run's ticket. */
export const resolveConnection = async (
  deps: ServiceAccess,
  row: ExecutionRow,
  { connectionId, write }: { connectionId: string; write: boolean },
): Promise<ResolvedConnection> => {
  const token = await deps.serviceToken({ audience: 'extdatamodule', groupId: row.groupId, runId: row.runId });
  try {
    const { connection, secret } = await deps.extdatamodule.resolveConnection({ ticket: row.ticket, connectionId, write }, { token });
    return resolvedOf(connection, secret);
  } catch (error) {
    const failure = fromCall(error, 'ExtDatamoduleManager');
    throw failure instanceof RunError ? failure.locate({ connectionId }) : failure;
  }
};

/** The pinned version of a script; refused where its content is not what was released. */
export const fetchScript = async (
  deps: ServiceAccess,
  row: ExecutionRow,
  pinned: PinnedScript,
  table: string,
): Promise<ScriptVersion & { language: string }> => {
  const token = await deps.serviceToken({ audience: 'script', groupId: row.groupId, runId: row.runId });
  try {
    const { script } = await deps.script.getScript({ scriptId: pinned.scriptId, version: pinned.version }, { token });
    const hash = createHash('sha256')
      .update(script?.version?.content ?? '')
      .digest('hex');
    if (!script?.version || hash !== pinned.contentHash) throw stageError('SCRIPT_CHANGED', { table });
    return { ...script.version, language: pinned.language };
  } catch (error) {
    const failure = fromCall(error, 'ScriptManager');
    throw failure instanceof RunError ? failure.locate({ table }) : failure;
  }
};
