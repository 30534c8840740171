// The whole suite on one machine: Postgres, NATS, sign-in, six processes, the edge. Everything ends with this process.
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { Client, credentials } from '@grpc/grpc-js';
import { startEdge, type Edge } from './edge.ts';
import { keepServer, type KeptServer } from './keep-server.ts';
import { keepService, type ProcessEnv } from './keep-service.ts';
import type { Guarded } from '@lethe/servers/guard';
import { keptSecret, newServiceKeys, type ServiceKeys } from '@lethe/servers/keys';
import { findNats, startNats, subjectsOf, type NatsServer } from '@lethe/servers/nats';
import { AUDIENCE, startOidc, type LocalAccount, type LocalProvider } from './oidc.ts';
import { startPostgres, type PostgresServer } from '@lethe/servers/postgres';
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { ROOT } from '@lethe/servers/repository';
import { newPasswords, provision, serviceDatabaseUrl, type RolePasswords } from '@lethe/servers/provision';
import { tellWhileWaiting } from './waiting.ts';

/** Ports, counted from the base. */
export const PORTS = {
  postgres: 0,
  nats: 1,
  oidc: 2,
  edge: 3,
  example: 4,
  user: 10,
  audit: 11,
  script: 12,
  extdatamodule: 13,
  task: 14,
  data: 15,
} as const;

/** How a stack is started. `report` hears of each server as it is up, with the time that it took. */
export type StackOptions = {
  state: string;
  portBase: number;
  accounts: LocalAccount[];
  superusers: string[];
  settings?: Record<string, string>;
  /** A service that dies oftener is left down: 5 unless a test kills on purpose. */
  maxRestartsAMinute?: number;
  report?: (name: string, address: string, durationMs: number) => void;
  /** Told what is waited for where it takes long, and of servers that ended. */
  note?: (text: string) => void;
};

/** A running stack. */
export type Stack = {
  addresses: Record<Noun, string>;
  postgres: PostgresServer;
  oidc: LocalProvider;
  edge: Edge;
  redirectUri: string;
  services: Map<Noun, Guarded>;
  restartNats: () => Promise<void>;
  stopNats: () => Promise<void>;
  stop: () => Promise<void>;
  logs: string;
};

const READY_TIMEOUT_MS = 30_000;
const LOOK_EVERY_MS = 100;
const DEFAULT_RESTARTS_A_MINUTE = 5;

/** Throws with the port's number when something listens there. */
const checkPort = (port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', () => reject(new Error(`Port ${port} is in use. Set LETHE_PORT_BASE to another base, or end what uses it.`)));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve()));
  });

const waitForService = async (address: string, child: Guarded, logFile: string): Promise<void> => {
  // By default the second look comes after a second, and the next ones later still: a service that is up would go unseen.
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.initial_reconnect_backoff_ms': LOOK_EVERY_MS,
    'grpc.max_reconnect_backoff_ms': LOOK_EVERY_MS,
  });
  try {
    await new Promise<void>((resolve, reject) => {
      child.onExit(() => reject(new Error(`A service ended at its start; see ${logFile}`)));
      client.waitForReady(Date.now() + READY_TIMEOUT_MS, (error) =>
        error ? reject(new Error(`A service did not start; see ${logFile}`)) : resolve(),
      );
    });
  } finally {
    client.close();
  }
};

type Places = {
  state: string;
  logs: string;
  keys: ServiceKeys;
  keyFiles: Record<Noun, string>;
  publicKeysFile: string;
  passwords: RolePasswords;
};

const preparePlaces = (state: string): Places => {
  const logs = join(state, 'logs');
  for (const folder of [state, logs, join(state, 'data'), join(state, 'keys')]) mkdirSync(folder, { recursive: true, mode: 0o700 });
  const keys = JSON.parse(keptSecret(join(state, 'keys'), 'services.json', () => JSON.stringify(newServiceKeys()))) as ServiceKeys;
  const passwords = JSON.parse(keptSecret(join(state, 'keys'), 'roles.json', () => JSON.stringify(newPasswords()))) as RolePasswords;
  const keyFiles = {} as Record<Noun, string>;
  for (const noun of NOUNS) {
    keyFiles[noun] = join(state, 'keys', `${noun}.pem`);
    writeFileSync(keyFiles[noun], keys.privateKeys[noun], { mode: 0o600 });
  }
  const publicKeysFile = join(state, 'keys', 'public.json');
  writeFileSync(publicKeysFile, JSON.stringify(keys.publicKeys), { mode: 0o600 });
  return { state, logs, keys, keyFiles, publicKeysFile, passwords };
};

type Surroundings = {
  places: Places;
  options: StackOptions;
  addresses: Record<Noun, string>;
  postgresUrl: string;
  natsUrl: string;
  issuer: string;
};

const serviceEnv = (noun: Noun, { places, options, addresses, postgresUrl, natsUrl, issuer }: Surroundings): ProcessEnv => ({
  PATH: process.env['PATH'],
  HOME: process.env['HOME'],
  OTEL_EXPORTER_OTLP_ENDPOINT: process.env['OTEL_EXPORTER_OTLP_ENDPOINT'],
  OTEL_SERVICE_NAME: `lethe-${noun}`,
  UV_THREADPOOL_SIZE: '16',
  LETHE_LIFELINE: '1',
  LETHE_DATABASE_URL: serviceDatabaseUrl(postgresUrl, 'lethe', noun, places.passwords),
  LETHE_NATS_URL: natsUrl,
  LETHE_LISTEN: addresses[noun],
  ...Object.fromEntries(NOUNS.map((peer) => [`LETHE_${peer.toUpperCase()}_ADDRESS`, addresses[peer]])),
  LETHE_KEY_FILE: places.keyFiles[noun],
  LETHE_PUBLIC_KEYS_FILE: places.publicKeysFile,
  LETHE_OIDC_ISSUERS: `${issuer}=${AUDIENCE}`,
  LETHE_SUPERUSERS: options.superusers.map((subject) => `${issuer}|${subject}`).join(','),
  LETHE_SECRET_KEYS: `local:${keptSecret(join(places.state, 'keys'), 'secrets')}`,
  LETHE_DATA_FOLDER: join(places.state, 'data', 'runs'),
  LETHE_FILE_ROOT: join(places.state, 'files'),
  // One machine: its Postgres and any other port of a source are targets, but for the stack's own.
  LETHE_PRIVATE_TARGETS: '127.0.0.0/8,[::1]/128',
  LETHE_OWN_ADDRESSES: ['oidc', 'edge'].map((name) => `127.0.0.1:${options.portBase + PORTS[name as 'oidc' | 'edge']}`).join(','),
  // One machine: a run is taken up again soon after a service or the whole stack was killed.
  LETHE_LEASE_MS: '10000',
  ...options.settings,
});

// The edge's own pages, and those that LETHE_EDGE_ORIGINS lists.
const edgeOrigins = (port: number): string[] => [
  `http://127.0.0.1:${port}`,
  `http://localhost:${port}`,
  ...(process.env['LETHE_EDGE_ORIGINS'] ?? '').split(',').filter((origin) => origin !== ''),
];

/** What is ended, in the order of its start. */
type Undo = [name: string, end: () => Promise<void> | void][];
type Timed = <R>(name: string, address: string, work: () => Promise<R>) => Promise<R>;
type Start = { options: StackOptions; places: Places; timed: Timed; undo: Undo; isEnding: () => boolean };
type Servers = {
  postgres: PostgresServer;
  oidc: LocalProvider;
  nats: KeptServer<NatsServer>;
  redirectUri: string;
};

const startServers = async ({ options, places, timed, undo, isEnding }: Start): Promise<Servers> => {
  const port = (name: keyof typeof PORTS): number => options.portBase + PORTS[name];
  const secret = (name: string): string => keptSecret(join(places.state, 'keys'), name);
  const redirectUri = `http://127.0.0.1:${port('edge')}/signed-in`;
  const data = (name: string): string => join(places.state, 'data', name);
  const logFile = (name: string): string => join(places.logs, `${name}.log`);
  const kept = { maxRestartsAMinute: options.maxRestartsAMinute ?? DEFAULT_RESTARTS_A_MINUTE, isEnding, note: options.note ?? (() => {}) };
  const keepNats = async (): Promise<KeptServer<NatsServer>> => {
    const start = (): Promise<NatsServer> =>
      startNats({
        program: findNats(join(ROOT, '.cache/nats')),
        directory: data('nats'),
        port: port('nats'),
        users: NOUNS.map((noun) => ({ name: noun, password: secret(`nats-${noun}`), subjects: subjectsOf(noun) })),
        logFile: logFile('nats'),
      });
    const server = await keepServer({ ...kept, name: 'NATS', start });
    undo.push(['NATS', server.stop]);
    return server;
  };
  const keepPostgres = async (): Promise<KeptServer<PostgresServer>> => {
    const start = (): Promise<PostgresServer> =>
      startPostgres({ directory: data('postgres'), port: port('postgres'), logFile: logFile('postgres'), password: secret('postgres') });
    const server = await keepServer({ ...kept, name: 'Postgres', start });
    undo.push(['Postgres', server.stop]);
    return server;
  };
  const startProvider = async (): Promise<LocalProvider> => {
    const provider = await startOidc({
      port: port('oidc'),
      accounts: options.accounts,
      redirectUris: [redirectUri],
      password: secret('sign-in'),
    });
    undo.push(['sign-in', provider.close]);
    return provider;
  };
  const [postgres, nats, oidc] = await Promise.all([
    timed('Postgres', `127.0.0.1:${port('postgres')}`, keepPostgres),
    timed('NATS', `127.0.0.1:${port('nats')}`, keepNats),
    timed('sign-in', `http://127.0.0.1:${port('oidc')}`, startProvider),
  ]);
  return { postgres: postgres.current(), oidc, nats, redirectUri };
};

const startAll = async (start: Start): Promise<Omit<Stack, 'stop'>> => {
  const { options, places, timed, undo, isEnding } = start;
  const addresses = Object.fromEntries(NOUNS.map((noun) => [noun, `127.0.0.1:${options.portBase + PORTS[noun]}`])) as Record<Noun, string>;
  const servers = await startServers(start);
  const { postgres, oidc } = servers;
  await provision(postgres.url, 'lethe', places.passwords);
  const services = new Map<Noun, Guarded>();
  undo.push(['the services', () => Promise.all([...services.values()].map((child) => child.stop())).then(() => undefined)]);
  const startOne = (noun: Noun): Promise<void> => {
    const logFile = join(places.logs, `${noun}.log`);
    const surroundings = {
      places,
      options,
      addresses,
      postgresUrl: postgres.url,
      natsUrl: servers.nats.current().urlOf(noun),
      issuer: oidc.issuer,
    };
    const env = serviceEnv(noun, surroundings);
    const maxRestartsAMinute = options.maxRestartsAMinute ?? DEFAULT_RESTARTS_A_MINUTE;
    const child = keepService({ noun, state: places.state, env, logFile, services, maxRestartsAMinute, isEnding });
    return waitForService(addresses[noun], child, logFile);
  };
  await Promise.all(NOUNS.map((noun) => timed(noun, addresses[noun], () => startOne(noun))));
  const edgePort = options.portBase + PORTS.edge;
  const edge = await timed('edge', `http://127.0.0.1:${edgePort}`, () => startEdge(edgePort, addresses, edgeOrigins(edgePort)));
  undo.push(['the edge', edge.close]);
  const { redirectUri, nats } = servers;
  return { addresses, postgres, oidc, edge, redirectUri, services, stopNats: nats.stop, restartNats: nats.start, logs: places.logs };
};

/** Starts everything. When a step fails, what was started is ended before the error is thrown. */
export const startStack = async (options: StackOptions): Promise<Stack> => {
  const places = preparePlaces(options.state);
  await Promise.all(Object.values(PORTS).map((offset) => checkPort(options.portBase + offset)));
  const undo: Undo = [];
  let ending = false;
  const stop = async (): Promise<void> => {
    ending = true;
    for (const [name, end] of undo.toReversed()) await told(`the end of ${name}`, async () => end());
    undo.length = 0;
  };
  const told = <R>(what: string, work: () => Promise<R>): Promise<R> => tellWhileWaiting(options.note ?? (() => {}), what, work);
  const timed: Timed = async (name, address, work) => {
    const start = performance.now();
    const result = await told(`${name} (${address})`, work);
    options.report?.(name, address, performance.now() - start);
    return result;
  };
  try {
    return { ...(await startAll({ options, places, timed, undo, isEnding: () => ending })), stop };
  } catch (error) {
    await stop();
    throw error;
  }
};
