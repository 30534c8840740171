// Real servers for tests: given ones, else a container, else embedded ones.
import { findNats, startNats } from '@lethe/servers/nats';
import { startPostgres } from '@lethe/servers/postgres';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

/** A running server and how to end it. */
export type TestServer = { url: string; stop: () => Promise<void> };

/** A NATS server that a test may take away for a while. */
export type TestNats = TestServer & { start: (changes?: { password?: string }) => Promise<void> };

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

/** One Postgres for a test run: `TEST_DATABASE_URL` wins. */
export const startTestPostgres = async (folder: string): Promise<TestServer> => {
  const given = process.env['TEST_DATABASE_URL'];
  if (given !== undefined) return { url: given, stop: async () => {} };
  if (hasDocker()) {
    const container = await new PostgreSqlContainer('postgres:18').start();
    return { url: container.getConnectionUri(), stop: async () => void (await container.stop()) };
  }
  return startPostgres({
    directory: join(folder, 'postgres'),
    port: await freePort(),
    logFile: join(folder, 'postgres.log'),
    fsync: false,
  });
};

/** The program of the servers that `startTestNats` starts: looked for once a run. */
export const testNatsProgram = (): string => (process.env['TEST_NATS_URL'] === undefined ? findNats(join(ROOT, '.cache/nats')) : '');

/** A NATS server for one suite: streams are named by service, so two suites cannot share one. `TEST_NATS_URL` wins; then files run one by one. */
export const startTestNats = async (folder: string): Promise<TestNats> => {
  const given = process.env['TEST_NATS_URL'];
  if (given !== undefined) {
    const refuse = async (): Promise<void> => {
      throw new Error('A given NATS server cannot be stopped; unset TEST_NATS_URL.');
    };
    return { url: given, stop: async () => {}, start: refuse };
  }
  const options = {
    program: testNatsProgram(),
    directory: join(folder, 'nats'),
    port: await freePort(),
    password: randomBytes(12).toString('hex'),
    logFile: join(folder, 'nats.log'),
  };
  let server = await startNats(options);
  return {
    url: server.url,
    stop: () => server.stop(),
    start: async (changes = {}) => {
      server = await startNats({ ...options, ...changes });
    },
  };
};
