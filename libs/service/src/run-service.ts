// A service as a program: settings from the environment, and an orderly end.
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import type { ServiceContract } from '@lethe/contracts/message';
import { armKill } from '@lethe/db/failpoint';
import type { PlatformTables } from '@lethe/db/platform';
import { readFileSync } from 'node:fs';
import type { Calls, ServiceDefinition } from './define-service.ts';
import { processEnv, type Env } from './env.ts';
import { flushAll } from './flush.ts';
import { createLogger } from './logger.ts';
import { startService, type Settings } from './start-service.ts';

const FLUSH_TIMEOUT_MS = 5_000;

const readSettings = (noun: Noun, env: Env): Settings => ({
  databaseUrl: env.text('LETHE_DATABASE_URL'),
  natsUrl: env.text('LETHE_NATS_URL'),
  listen: env.text('LETHE_LISTEN'),
  peers: Object.fromEntries(NOUNS.map((peer) => [peer, env.text(`LETHE_${peer.toUpperCase()}_ADDRESS`)])),
  privateKeyPem: readFileSync(env.text('LETHE_KEY_FILE'), 'utf8'),
  publicKeyPems: JSON.parse(readFileSync(env.text('LETHE_PUBLIC_KEYS_FILE'), 'utf8')) as Record<string, string>,
  maxConnections: env.integer('LETHE_DATABASE_CONNECTIONS', 10),
  maxCalls: env.integer('LETHE_MAX_CALLS', 512),
  drainMs: env.integer('LETHE_DRAIN_MS', 10_000),
  env,
  log: createLogger(noun, env.text('LETHE_LOG_LEVEL', 'info')),
});

/** Ends the process in order on SIGTERM and SIGINT, and when the lifeline, a pipe on standard input, ends. */
const onEnd = (lifeline: boolean, end: () => void): void => {
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  if (!lifeline) return;
  process.stdin.on('end', end);
  process.stdin.on('error', end);
  process.stdin.resume();
};

/** Runs a service until it is told to end. */
export const runService = async <T extends PlatformTables, D extends ServiceContract, Config, C extends Calls>(
  definition: ServiceDefinition<T, D, Config, C>,
): Promise<void> => {
  const env = processEnv();
  armKill(env.text('LETHE_FAILPOINT', ''));
  const settings = readSettings(definition.noun, env);
  const service = await startService(definition, settings).catch(async (error: unknown) => {
    await flushAll(FLUSH_TIMEOUT_MS);
    throw error;
  });
  let ending = false;
  const end = async (): Promise<void> => {
    if (ending) return;
    ending = true;
    settings.log.info('ending');
    let status = 0;
    try {
      await service.close();
    } catch (error) {
      status = 1;
      settings.log.error({ error: error instanceof Error ? error.name : typeof error }, 'the service could not end in order');
    }
    await flushAll(FLUSH_TIMEOUT_MS);
    process.exit(status);
  };
  onEnd(env.flag('LETHE_LIFELINE'), () => void end());
};
