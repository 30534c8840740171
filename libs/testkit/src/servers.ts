// Real servers for tests: given ones, else a container, else embedded ones.
import { findNats, startNats } from '@lethe/local/nats';
import { startPostgres } from '@lethe/local/postgres';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { GenericContainer } from 'testcontainers';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';

/** Running servers and how to end them. */
export type TestServers = { postgresUrl: string; natsUrl: string; stop: () => Promise<void> };

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });

const hasDocker = (): boolean => spawnSync('docker', ['info'], { stdio: 'ignore', timeout: 3_000 }).status === 0;

const inContainers = async (): Promise<TestServers> => {
  const postgres = await new PostgreSqlContainer('postgres:18').start();
  const nats = await new GenericContainer('nats:2.15').withCommand(['-js']).withExposedPorts(4222).start();
  return {
    postgresUrl: postgres.getConnectionUri(),
    natsUrl: `nats://${nats.getHost()}:${nats.getMappedPort(4222)}`,
    stop: async () => {
      await Promise.all([postgres.stop(), nats.stop()]);
    },
  };
};

const embedded = async (root: string, folder: string): Promise<TestServers> => {
  const [postgres, nats] = await Promise.all([
    startPostgres({ directory: join(folder, 'postgres'), port: await freePort(), logFile: join(folder, 'postgres.log'), fsync: false }),
    startNats({
      program: findNats(join(root, '.cache/nats')),
      directory: join(folder, 'nats'),
      port: await freePort(),
      password: randomBytes(12).toString('hex'),
      logFile: join(folder, 'nats.log'),
    }),
  ]);
  return {
    postgresUrl: postgres.url,
    natsUrl: nats.url,
    stop: async () => {
      await Promise.all([postgres.stop(), nats.stop()]);
    },
  };
};

/** Servers for a test run: `TEST_DATABASE_URL` and `TEST_NATS_URL` win. */
export const startTestServers = async (root: string, folder: string): Promise<TestServers> => {
  const given = { postgresUrl: process.env['TEST_DATABASE_URL'], natsUrl: process.env['TEST_NATS_URL'] };
  if (given.postgresUrl !== undefined && given.natsUrl !== undefined)
    return { postgresUrl: given.postgresUrl, natsUrl: given.natsUrl, stop: async () => {} };
  const started = hasDocker() ? await inContainers() : await embedded(root, folder);
  return { ...started, postgresUrl: given.postgresUrl ?? started.postgresUrl, natsUrl: given.natsUrl ?? started.natsUrl };
};
