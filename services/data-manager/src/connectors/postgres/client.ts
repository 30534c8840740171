import { Client, type ClientConfig } from 'pg';
import { resolveTarget } from '../address.ts';
import { type ConnectorLimits, type ResolvedConnection } from '../connector.ts';
import { stageError } from '../../domain/run-error.ts';
import { toRunError } from './failure.ts';

const CONNECT_TIMEOUT_MS = 10_000;
// Everything that decides how values are written: the same text on every server.
const SESSION = `set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set bytea_output = 'hex'; set intervalstyle = 'iso_8601'; set extra_float_digits = 1;
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

/** Opens a session to the one address that the host resolved to. */
export const connectPostgres = async (connection: ResolvedConnection, limits: ConnectorLimits): Promise<Client> => {
  const { settings, secret } = connection;
  const host = text(settings, 'host', '');
  const port = typeof settings['port'] === 'number' ? settings['port'] : 5432;
  const client = new Client({
    host: await resolveTarget(host, port, limits.privateTargets),
    port,
    database: text(settings, 'database', ''),
    user: text(settings, 'user', ''),
    password: secret['password'] ?? '',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
    application_name: 'lethe',
    ...tlsOptions(text(settings, 'tls', 'disable'), host),
  });
  // A session that the server ends is noticed by the statement that runs in it.
  client.on('error', () => {});
  try {
    await client.connect();
    await client.query(SESSION);
    return client;
  } catch (error) {
    const failure = toRunError(error, 'Connecting to the server');
    const isAsked = failure.reason === 'POSTGRES_DENIED' && !secret['password'];
    throw isAsked ? stageError('POSTGRES_PASSWORD_MISSING', { activity: 'Connecting to the server' }, error) : failure;
  }
};

/** Runs work in a session that ends with it; an abort cuts the session, which ends its statement on the server too. */
export const withPostgres = async <R>(
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  { activity, signal }: { activity: string; signal: AbortSignal },
  work: (client: Client) => Promise<R>,
): Promise<R> => {
  const client = await connectPostgres(connection, limits);
  const cut = (): void => void client.end().catch(() => {});
  signal.addEventListener('abort', cut, { once: true });
  try {
    signal.throwIfAborted();
    return await work(client);
  } catch (error) {
    signal.throwIfAborted();
    throw toRunError(error, activity);
  } finally {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  }
};
