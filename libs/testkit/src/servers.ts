// Real servers for tests: given ones, else a container, else embedded ones.
import { findNats, startNats, type NatsUser } from '@lethe/servers/nats';
import { startPostgres } from '@lethe/servers/postgres';
import { PostgreSqlContainer } from '@testcontainers/postgresql';
import { spawnSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '@lethe/servers/repository';

/** A running server and how to end it. */
export type TestServer = { url: string; stop: () => Promise<void> };

/** A NATS server that a test may take away for a while. */
export type TestNats = TestServer & { start: (changes?: { users?: NatsUser[] }) => Promise<void> };

// Below the ports that the kernel gives to outgoing connections: one of those could be taken between the look and the use.
const FIRST_PORT = 20_000;
const PORT_COUNT = 12_000;

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });

/** A port that was free a moment ago and that nobody is given by chance. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = FIRST_PORT + randomInt(PORT_COUNT);
    if (await canListen(port)) return port;
  }
};

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
    users: [{ name: 'lethe', password: randomBytes(12).toString('hex') }],
    logFile: join(folder, 'nats.log'),
  };
  let server = await startNats(options);
  return {
    url: server.urlOf('lethe'),
    stop: () => server.stop(),
    start: async (changes = {}) => {
      server = await startNats({ ...options, ...changes });
    },
  };
};
