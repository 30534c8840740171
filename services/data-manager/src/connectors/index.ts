// Which connector serves which type of connection. A new connector is a folder and a line here.
import { type ConnectorLimits, type ResolvedConnection, type Source, type Target } from './connector.ts';
import { fileSource } from './file/source.ts';
import { fileTarget } from './file/target.ts';
import { httpSource } from './http/source.ts';
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
  (
    connection: ResolvedConnection,
    limits: ConnectorLimits,
    upload: { uploadId: string; epoch: number },
    signal: AbortSignal,
  ) => Promise<Target>
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
  upload: { uploadId: string; epoch: number },
  signal: AbortSignal,
): Promise<Target> => {
  const make = TARGETS[connection.type];
  if (!make) throw stageError('CONNECTION_TYPE_UNSUPPORTED', { type: connection.type, use: 'written' });
  return make(connection, limits, upload, signal);
};
