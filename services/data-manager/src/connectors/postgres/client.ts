import { Client, type ClientConfig } from 'pg';
import { connect, type Socket } from 'node:net';
import { resolveTarget } from '../address.ts';
import type { ConnectorLimits, ResolvedConnection, Snapshot } from '../connector.ts';
import { stageError, type RunError } from '../../domain/run-error.ts';
import { quoteLiteral } from '../../plan/identifiers.ts';
import { toRunError } from './failure.ts';

const CONNECT_TIMEOUT_MS = 10_000;
// What says good-bye to a server that is gone.
const END_TIMEOUT_MS = 3_000;
// A host that is gone while a statement runs is noticed some seconds after this.
const KEEP_ALIVE_AFTER_MS = 15_000;
// What is looked at without reading rows.
const LOOK_TIMEOUT_MS = 60_000;
// The limit of the source itself, which names it, comes first.
const SOURCE_GRACE_MS = 5_000;
// Everything that decides how values are written: the same text on every server.
const SESSION = `set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set bytea_output = 'hex'; set intervalstyle = 'postgres'; set extra_float_digits = 1;
  set client_encoding = 'UTF8'; set synchronize_seqscans = off; set max_parallel_workers_per_gather = 0; set standard_conforming_strings = on;
  set lock_timeout = '60s'; set idle_in_transaction_session_timeout = '1h'`;

const text = (settings: Record<string, unknown>, name: string, fallback: string): string =>
  typeof settings[name] === 'string' ? settings[name] : fallback;

/** The schema of tables that name none. */
export const defaultSchema = ({ settings }: ResolvedConnection): string => text(settings, 'schema', 'public');

const tlsOptions = (mode: string, host: string): Pick<ClientConfig, 'ssl'> => {
  if (mode === 'disable') return { ssl: false };
  return { ssl: { rejectUnauthorized: mode === 'verify-full', servername: host } };
};

/** Where each session is, so that its statement can be cancelled there. */
const addresses = new WeakMap<Client, { host: string; port: number }>();

/** The numbers by which a server knows a session, which the types of the driver leave out. */
const keyOf = (client: Client): { processID?: unknown; secretKey?: unknown } => client as { processID?: unknown; secretKey?: unknown };

const CANCEL_CODE = 80_877_102;

/** Asks the server to end the statement of a session: one that is busy does not notice that its client has gone. */
const cancelStatement = (client: Client): void => {
  const address = addresses.get(client);
  const { processID, secretKey } = keyOf(client);
  if (!address || typeof processID !== 'number' || typeof secretKey !== 'number') return;
  const request = Buffer.alloc(16);
  [request.length, CANCEL_CODE, processID, secretKey].forEach((value, index) => request.writeInt32BE(value, index * 4));
  const socket = connect({ ...address, timeout: CONNECT_TIMEOUT_MS }, () => socket.end(request));
  socket.on('timeout', () => socket.destroy());
  // A server that is away has no statement to end.
  socket.on('error', () => {});
};

/** The socket of a session, which the published types leave out. */
export const socketOf = (client: Client): Socket => (client as unknown as { connection: { stream: Socket } }).connection.stream;

/** Ends a session that has nothing to do. A server that is gone is not waited for. */
export const endPostgres = async (client: Client): Promise<void> => {
  const timer = setTimeout(() => socketOf(client).destroy(), END_TIMEOUT_MS);
  try {
    await client.end();
  } catch {
    // There is nothing to end.
  } finally {
    clearTimeout(timer);
  }
};

/** Ends a session at once, and the statement that runs in it. */
export const cutPostgres = (client: Client): void => {
  cancelStatement(client);
  client.end().catch(() => {});
};

type Greeting = { once: (event: 'sslconnect', listener: () => void) => void };

const MAX_GREETING_BYTES = 1_048_576;

/** Ends a session whose server sends more than a greeting before it lets us in; returns what ends the watch. */
const boundGreeting = (client: Client): (() => void) => {
  // The published types do not have the client's connection, which alone says when its socket is replaced by one with TLS.
  const { connection } = client as unknown as { connection: Greeting };
  let stream = socketOf(client);
  let sizeBytes = 0;
  const count = (chunk: Buffer): void => {
    sizeBytes += chunk.length;
    if (sizeBytes > MAX_GREETING_BYTES)
      stream.destroy(stageError('RESPONSE_TOO_LARGE', { activity: 'Connecting to the server', limit: MAX_GREETING_BYTES }));
  };
  stream.on('data', count);
  connection.once('sslconnect', () => {
    stream.off('data', count);
    stream = socketOf(client);
    stream.on('data', count);
  });
  return () => stream.off('data', count);
};

/** Opens a session to the one address that the host resolved to. */
export const connectPostgres = async (connection: ResolvedConnection, limits: ConnectorLimits): Promise<Client> => {
  const { settings, secret } = connection;
  const host = text(settings, 'host', '');
  const port = typeof settings['port'] === 'number' ? settings['port'] : 5432;
  const address = { host: await resolveTarget(host, port, limits.privateTargets), port };
  const client = new Client({
    ...address,
    database: text(settings, 'database', ''),
    user: text(settings, 'user', ''),
    password: secret['password'] ?? '',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    application_name: 'lethe',
    ...tlsOptions(text(settings, 'tls', 'disable'), host),
  });
  // A session that the server ends is noticed by the statement that runs in it.
  client.on('error', () => {});
  const lift = boundGreeting(client);
  try {
    await client.connect();
    lift();
    const timer = setTimeout(() => socketOf(client).destroy(), CONNECT_TIMEOUT_MS);
    try {
      await client.query(SESSION);
    } finally {
      clearTimeout(timer);
    }
    addresses.set(client, address);
    return client;
  } catch (error) {
    socketOf(client).destroy();
    const failure = toRunError(error, 'Connecting to the server');
    const isAsked = failure.reason === 'POSTGRES_DENIED' && !secret['password'];
    throw isAsked ? stageError('POSTGRES_PASSWORD_MISSING', { activity: 'Connecting to the server' }, error) : failure;
  }
};

/** Begins to read: a state of the database of its own, or one that another session holds. */
export const beginReading = async (client: Client, snapshot: string | undefined): Promise<void> => {
  await client.query('begin isolation level repeatable read read only');
  if (snapshot !== undefined) await client.query(`set transaction snapshot ${quoteLiteral(snapshot)}`);
};

/** Holds the state that a database has now, for the sessions that read it one after the other. */
export const holdSnapshot = async (connection: ResolvedConnection, limits: ConnectorLimits, signal: AbortSignal): Promise<Snapshot> => {
  const client = await connectPostgres(connection, limits);
  const cut = (): void => cutPostgres(client);
  signal.addEventListener('abort', cut, { once: true });
  const close = async (): Promise<void> => {
    signal.removeEventListener('abort', cut);
    await endPostgres(client);
  };
  try {
    signal.throwIfAborted();
    // The session waits for as long as the others read.
    await client.query('set idle_in_transaction_session_timeout = 0');
    await beginReading(client, undefined);
    const { rows } = await client.query<{ id: string }>('select pg_export_snapshot() as id');
    return { id: rows[0]?.id ?? '', close };
  } catch (error) {
    await close();
    signal.throwIfAborted();
    throw toRunError(error, 'Holding the state of the database');
  }
};

// What is neither rows of a COPY nor asked for in this size is held in memory by the driver, whatever a LIMIT says to a server that does not obey.
const MAX_RESPONSE_BYTES = 67_108_864;

/** Ends a session whose server sends more than it can have been asked for; rows of a COPY, which go to a file, do not count. */
const boundResponses = (client: Client, activity: string): { refusal: () => RunError | undefined; lift: () => void } => {
  const stream = socketOf(client);
  let sizeBytes = 0;
  let refused: RunError | undefined;
  const count = (chunk: Buffer): void => {
    sizeBytes += chunk.length;
    if (refused || sizeBytes <= MAX_RESPONSE_BYTES) return;
    refused = stageError('RESPONSE_TOO_LARGE', { activity, limit: MAX_RESPONSE_BYTES });
    stream.destroy(refused);
  };
  stream.on('data', count);
  return {
    refusal: () => refused,
    // A COPY takes the stream's listeners over and gives them back: a second one would lose bytes to the first.
    lift: () => stream.off('data', count),
  };
};

/** A session's statements end on the server too after this long, whatever happens to us. */
export const limitStatements = (client: Client, timeoutMs: number): Promise<unknown> =>
  client.query(`set statement_timeout = ${Math.ceil(timeoutMs)}`);

/** What work in a session gets: `startCopy` is called before rows are copied, which are many and go to a file. */
type PostgresWork<R> = (client: Client, startCopy: () => void) => Promise<R>;

/** Runs work in a session that ends with it; an abort ends the session and its statement at once. */
export const withPostgres = async <R>(
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  { activity, signal, timeoutMs }: { activity: string; signal: AbortSignal; timeoutMs?: number },
  work: PostgresWork<R>,
): Promise<R> => {
  const client = await connectPostgres(connection, limits);
  const bound = boundResponses(client, activity);
  const cut = (): void => cutPostgres(client);
  signal.addEventListener('abort', cut, { once: true });
  try {
    signal.throwIfAborted();
    await limitStatements(client, timeoutMs === undefined ? LOOK_TIMEOUT_MS : timeoutMs + SOURCE_GRACE_MS);
    return await work(client, bound.lift);
  } catch (error) {
    signal.throwIfAborted();
    throw bound.refusal() ?? toRunError(error, activity);
  } finally {
    signal.removeEventListener('abort', cut);
    await endPostgres(client);
  }
};
