import { Client, type ClientConfig } from 'pg';
import { resolveTarget } from '../address.ts';
import { ConnectorError, type ConnectorLimits, type ResolvedConnection } from '../connector.ts';

const CONNECT_TIMEOUT_MS = 10_000;
const AWAY = /^(?:08|53|57P0)/;
// The driver's own errors, which have no code: of the statement that was under way, and of the next one.
const CUT = /^Connection terminated|is not queryable$/;

// Everything that decides how values are written: the same text on every server.
const SESSION = `set datestyle = 'ISO, YMD'; set timezone = 'UTC'; set bytea_output = 'hex'; set intervalstyle = 'iso_8601'; set extra_float_digits = 1;
  set client_encoding = 'UTF8'; set synchronize_seqscans = off; set max_parallel_workers_per_gather = 0; set standard_conforming_strings = on;
  set lock_timeout = '60s'; set idle_in_transaction_session_timeout = '1h'`;

const text = (settings: Record<string, unknown>, name: string, fallback: string): string =>
  typeof settings[name] === 'string' ? settings[name] : fallback;

/** The schema of tables that name none. */
export const defaultSchema = ({ settings }: ResolvedConnection): string => text(settings, 'schema', 'public');

/** A driver's error without its text, which may quote values: by its SQLSTATE alone. */
export const toConnectorError = (error: unknown, doing: string): ConnectorError => {
  if (error instanceof ConnectorError) return error;
  const code = (error as { code?: unknown } | undefined)?.code;
  const state = typeof code === 'string' ? code : '';
  const transient =
    AWAY.test(state) ||
    /^E[A-Z]+$/.test(state) ||
    ['40001', '40P01', '55P03'].includes(state) ||
    (error instanceof Error && CUT.test(error.message));
  return new ConnectorError(
    `POSTGRES_${state || 'ERROR'}`,
    `${doing} failed${state === '' ? '' : ` with code ${state}`}`,
    transient,
    error,
  );
};

const tlsOptions = (mode: string, host: string): Pick<ClientConfig, 'ssl'> => {
  if (mode === 'disable') return { ssl: false };
  return { ssl: { rejectUnauthorized: mode === 'verify-full', servername: host } };
};

/** Opens a session to the one address that the host resolved to. */
export const connectPostgres = async (connection: ResolvedConnection, limits: ConnectorLimits): Promise<Client> => {
  const { settings, secret } = connection;
  const host = text(settings, 'host', '');
  const client = new Client({
    host: await resolveTarget(host, limits.allowPrivateTargets),
    port: typeof settings['port'] === 'number' ? settings['port'] : 5432,
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
    throw toConnectorError(error, 'connecting to the server');
  }
};

/** Runs work in a session that ends with it; an abort cuts the session, which ends its statement on the server too. */
export const withPostgres = async <R>(
  connection: ResolvedConnection,
  limits: ConnectorLimits,
  signal: AbortSignal,
  doing: string,
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
    throw toConnectorError(error, doing);
  } finally {
    signal.removeEventListener('abort', cut);
    await client.end().catch(() => {});
  }
};
