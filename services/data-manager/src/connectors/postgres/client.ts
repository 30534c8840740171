import { Client, type ClientConfig } from 'pg';
import { resolveTarget } from '../address.ts';
import { type ConnectorLimits, type ResolvedConnection } from '../connector.ts';
import { RunError, stageError } from '../../domain/run-error.ts';

const CONNECT_TIMEOUT_MS = 10_000;
// Classes of SQLSTATEs, and the codes of the system's own errors.
const AWAY = /^(?:08|53|57P0|E[A-Z]+$)/;
const BUSY = /^(?:40001|40P01|55P03)$/;
const DENIED = /^(?:28|42501)/;
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

/** A driver's error as one of the catalogue, by its SQLSTATE alone: its text may quote values. */
export const toRunError = (error: unknown, activity: string): RunError => {
  if (error instanceof RunError) return error;
  const found = (error as { code?: unknown } | undefined)?.code;
  // A server may send what it likes in the place of a code.
  const code = typeof found === 'string' && /^(?:[0-9A-Z]{5}|E[A-Z]+)$/.test(found) ? found : 'no code';
  const facts = { activity, code };
  if (AWAY.test(code) || (error instanceof Error && CUT.test(error.message))) return stageError('POSTGRES_AWAY', facts, error);
  if (BUSY.test(code)) return stageError('POSTGRES_BUSY', facts, error);
  if (DENIED.test(code)) return stageError('POSTGRES_DENIED', facts, error);
  return stageError('POSTGRES_FAILED', facts, error);
};

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
    throw toRunError(error, 'Connecting to the server');
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
