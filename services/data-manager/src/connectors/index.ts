// Which connector serves which type of connection. A new connector is a folder and a line in each record here.
import { connectionType, type ConnectionType } from '@lethe/module/connection-types';
import {
  kindOfRead,
  placeOf,
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
import { locating, stageError, type RunPlace } from '../domain/run-error.ts';

const SOURCES: Record<ConnectionType, (connection: ResolvedConnection, limits: ConnectorLimits) => Source> = {
  postgres: postgresSource,
  file: fileSource,
  http: httpSource,
};

type OpenTarget = (connection: ResolvedConnection, limits: ConnectorLimits, upload: TargetUpload, signal: AbortSignal) => Promise<Target>;

// A type without an entry is not written to.
const TARGETS: Record<ConnectionType, OpenTarget | undefined> = {
  postgres: postgresTarget,
  file: fileTarget,
  http: undefined,
};

/** The reading side of a connection. */
export const sourceOf = (connection: ResolvedConnection, limits: ConnectorLimits): Source => {
  const type = connectionType(connection.type);
  const make = type && SOURCES[type];
  if (!make) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'read' });
  const source = make(connection, limits);
  const place = placeOf(connection);
  const { holdSnapshot } = source;
  return {
    ...(holdSnapshot && { holdSnapshot: (signal) => locating(place, () => holdSnapshot(signal)) }),
    describe: (signal) => locating(place, () => source.describe(signal)),
    extract: (extraction) => locating({ ...place, table: extraction.table }, () => source.extract(extraction)),
  };
};

/** A target whose failures say which connection they are of. */
const locatedTarget = ({ convert, ...target }: Target, place: RunPlace): Target => ({
  ...(convert && { convert: (table) => locating({ ...place, table: table.table }, () => convert(table)) }),
  probe: (uploadId) => locating(place, () => target.probe(uploadId)),
  stage: (table, csvPaths) => locating({ ...place, table: table.table }, () => target.stage(table, csvPaths)),
  readBack: (table, csvPath) => locating({ ...place, table: table.table }, () => target.readBack(table, csvPath)),
  claim: (owner, tables) => locating(place, () => target.claim(owner, tables)),
  commit: (entry, tables) => locating(place, () => target.commit(entry, tables)),
  schemaOf: (table) => target.schemaOf(table),
  cleanUp: () => locating(place, () => target.cleanUp()),
  close: () => target.close(),
});

/** The writing side of a connection, for one upload in one epoch. */
export const targetOf = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  upload: TargetUpload,
  signal: AbortSignal,
): Promise<Target> => {
  const type = connectionType(connection.type);
  const make = type && TARGETS[type];
  if (!make) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'written' });
  const place = placeOf(connection);
  return locatedTarget(await locating(place, () => make(connection, limits, upload, signal)), place);
};

const inspectHttp = async (connection: ResolvedConnection, limits: ConnectorLimits, use: Use, signal: AbortSignal): Promise<Inspection> => {
  // A server may count its requests, so that a run's own are the first that it gets; its address is looked up.
  if (use.reads.length === 0) await httpSource(connection, limits).describe(signal);
  else await addressOf(urlOf(connection, '', []), limits);
  const unreadable = use.reads.flatMap((entry) => {
    if (entry.kind === 'query') return [stageError('SCRIPT_CONNECTION_MISMATCH', { language: 'SQL', table: entry.table })];
    return entry.read.$case === 'httpRead' ? [] : [stageError('READ_MISMATCH', { type: 'http', read: kindOfRead(entry.read) })];
  });
  return { unreadable, unwritable: [stageError('CONNECTION_TYPE_UNSUPPORTED', { type: 'http', use: 'written' })] };
};

const INSPECTORS: Record<
  ConnectionType,
  (connection: ResolvedConnection, limits: ConnectorLimits, use: Use, signal: AbortSignal) => Promise<Inspection>
> = { postgres: inspectPostgres, file: inspectFolder, http: inspectHttp };

/** Opens a store and looks at what it is used for: the one way of TestConnection and of the preflight. What cannot be opened throws. */
export const inspectConnection = async (
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  use: Use,
  signal: AbortSignal,
): Promise<Inspection> => {
  const type = connectionType(connection.type);
  const inspect = type && INSPECTORS[type];
  if (!inspect) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'read' });
  const place = placeOf(connection);
  const { unreadable, unwritable } = await locating(place, () => inspect(connection, limits, use, signal));
  for (const problem of [...unreadable, ...unwritable]) problem.locate(place);
  return { unreadable, unwritable };
};
