// Which connector serves which type of connection. A new connector is a folder and a line here.
import {
  kindOfRead,
  type ConnectorLimits,
  type Inspection,
  type ResolvedConnection,
  type Source,
  type Target,
  type TargetUpload,
  type Use,
} from './connector.ts';
import { inspectFolder } from './file/inspect.ts';
import { fileSource } from './file/source.ts';
import { fileTarget } from './file/target.ts';
import { addressOf, urlOf } from './http/request.ts';
import { httpSource } from './http/source.ts';
import { inspectPostgres } from './postgres/inspect.ts';
import { postgresSource } from './postgres/source.ts';
import { postgresTarget } from './postgres/target.ts';
import { stageError } from '../domain/run-error.ts';

const SOURCES: Record<string, (connection: ResolvedConnection, limits: ConnectorLimits) => Source> = {
  postgres: postgresSource,
  file: fileSource,
  http: httpSource,
};

const TARGETS: Record<
  string,
  (connection: ResolvedConnection, limits: ConnectorLimits, upload: TargetUpload, signal: AbortSignal) => Promise<Target>
> = {
  postgres: postgresTarget,
  file: fileTarget,
};

/** The reading side of a connection. */
export const sourceOf = (connection: ResolvedConnection, limits: ConnectorLimits): Source => {
  const make = SOURCES[connection.type];
  if (!make) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'read' });
  return make(connection, limits);
};

/** The writing side of a connection, for one upload in one epoch. */
export const targetOf = (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  upload: TargetUpload,
  signal: AbortSignal,
): Promise<Target> => {
  const make = TARGETS[connection.type];
  if (!make) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'written' });
  return make(connection, limits, upload, signal);
};

const inspectHttp = async (connection: ResolvedConnection, limits: ConnectorLimits, use: Use, signal: AbortSignal): Promise<Inspection> => {
  // A server may count its requests, so that a run's own are the first that it gets; its address is looked up.
  if (use.reads.length === 0) await httpSource(connection, limits).describe(signal);
  else await addressOf(urlOf(connection, '', {}), limits);
  const unreadable = use.reads.flatMap((entry) => {
    if (entry.kind === 'query') return [stageError('SCRIPT_CONNECTION_MISMATCH', { language: 'SQL', table: entry.table })];
    return entry.read.$case === 'httpRead' ? [] : [stageError('READ_MISMATCH', { type: 'http', read: kindOfRead(entry.read) })];
  });
  return { unreadable, unwritable: [stageError('CONNECTION_TYPE_UNSUPPORTED', { type: 'http', use: 'written' })] };
};

const INSPECTORS: Record<
  string,
  (connection: ResolvedConnection, limits: ConnectorLimits, use: Use, signal: AbortSignal) => Promise<Inspection>
> = { postgres: inspectPostgres, file: inspectFolder, http: inspectHttp };

/** Opens a store and looks at what it is used for: the one way of TestConnection and of the preflight. What cannot be opened throws. */
export const inspectConnection = (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  use: Use,
  signal: AbortSignal,
): Promise<Inspection> => {
  const inspect = INSPECTORS[connection.type];
  if (!inspect) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'read' });
  return inspect(connection, limits, use, signal);
};
