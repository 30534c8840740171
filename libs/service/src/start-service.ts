// Starts a service in this process, and stops it again. The six programs and the tests use the same function.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { AccessChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { auditBatch } from '@lethe/db/audit-batch';
import { migrate } from '@lethe/db/migrate';
import { openStore, type Store } from '@lethe/db/open';
import { mapPgError } from '@lethe/db/pg-errors';
import type { PlatformTables } from '@lethe/db/platform';
import { connectBus, type Bus } from '@lethe/events/connect';
import { runConsumer, type EventHandlers } from '@lethe/events/consume';
import { runRelay } from '@lethe/events/relay';
import { bind } from '@lethe/grpc/bind';
import { createClient, type CallOptions } from '@lethe/grpc/client';
import { actingUserId } from '@lethe/grpc/context';
import { passOn } from '@lethe/grpc/errors';
import { addReflection } from '@lethe/grpc/reflection';
import { readPrivateKey, readPublicKeys, tokenSigner, type TokenRequest } from '@lethe/grpc/service-tokens';
import { UserManagerService } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from 'pino';
import { authenticator, userCache, type UserCache } from './authenticator.ts';
import type { Built, Calls, Dependencies, ServiceDefinition } from './define-service.ts';
import type { Env } from './env.ts';

/** Where a service runs and whom it knows. Addresses are `host:port`. */
export type Settings = {
  databaseUrl: string;
  natsUrl: string;
  listen: string;
  /** Noun → address of the services. */
  peers: Record<string, string>;
  privateKeyPem: string;
  /** Noun → public key, SPKI PEM. */
  publicKeyPems: Record<string, string>;
  maxConnections: number;
  maxCalls: number;
  drainMs: number;
  env: Env;
  log: Logger;
};

/** A running service. */
export type RunningService = { noun: string; port: number; close: () => Promise<void> };

const MAX_MESSAGE_BYTES = 4 * 1024 * 1024;
const MAX_STREAMS = 1000;

type Clients<C extends Calls> = Dependencies<PlatformTables, unknown, C>['clients'];

const buildClients = <C extends Calls>(calls: C, settings: Settings, sign: (request: TokenRequest) => Promise<string>): Clients<C> => {
  const entries = Object.entries(calls).map(([noun, definition]) => {
    const address = settings.peers[noun];
    if (address === undefined) throw new Error(`No address of the service ${noun}`);
    const token = ({ parent }: CallOptions): Promise<string> =>
      sign({ audience: noun, ...(parent ? { onBehalfOf: actingUserId(parent), groupId: parent.groupId, runId: parent.runId } : {}) });
    return [noun, createClient(definition, { address, token })];
  });
  return Object.fromEntries(entries) as Clients<C>;
};

const askUserManager = (settings: Settings, sign: (request: TokenRequest) => Promise<string>): { users: UserCache; close: () => void } => {
  const client = createClient(UserManagerService, { address: settings.peers['user'] ?? '', token: () => sign({ audience: 'user' }) });
  return { users: userCache((token, parent) => client.authenticate({ token }, { parent })), close: client.close };
};

const listenOn = (server: Server, address: string): Promise<number> =>
  new Promise((resolve, reject) => {
    server.bindAsync(address, ServerCredentials.createInsecure(), (error, port) => (error ? reject(error) : resolve(port)));
  });

const shutDown = (server: Server, drainMs: number): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => server.forceShutdown(), drainMs);
    server.tryShutdown(() => {
      clearTimeout(timer);
      resolve();
    });
  });

/** The events that every service takes in, and its own. */
const withAccessChanges = <T extends PlatformTables>(
  own: EventHandlers<T> | undefined,
  users: UserCache | undefined,
): EventHandlers<T> => ({
  handlers: { ...(users ? { 'lethe.event.v1.AccessChanged': async () => {} } : {}), ...own?.handlers },
  committed: (envelopes) => {
    for (const { type, payload } of envelopes)
      if (type === 'lethe.event.v1.AccessChanged') users?.drop(AccessChanged.decode(payload).userId);
    own?.committed?.(envelopes);
  },
});

const startLoops = <T extends PlatformTables, D>(
  built: Built<T, D>,
  store: Store<T>,
  noun: string,
  users: UserCache | undefined,
  settings: Settings,
): { stop: () => Promise<void> } => {
  const ending = new AbortController();
  const bus: Promise<Bus> = connectBus(settings.natsUrl, `lethe-${noun}`);
  const loops = [
    runRelay(store, bus, noun, settings.log, ending.signal),
    runConsumer(store, bus, noun, withAccessChanges(built.events, users), settings.log, ending.signal),
    ...(built.workers ?? []).map(({ run }) => run(ending.signal)),
  ];
  const stop = async (): Promise<void> => {
    ending.abort();
    // The connection is closed at once: waiting for a server that is away would hold the shutdown up.
    void bus.then(({ nats }) => nats.close()).catch(() => {});
    await Promise.allSettled(loops);
  };
  return { stop };
};

/** Brings a service to SERVING: its schema migrated and its port bound. NATS and the other services may be away. */
export const startService = async <T extends PlatformTables, D extends Record<string, unknown>, Config, C extends Calls>(
  definition: ServiceDefinition<T, D, Config, C>,
  settings: Settings,
): Promise<RunningService> => {
  const { noun, fullName } = definition;
  const store = openStore<T>({ url: settings.databaseUrl, schema: `lethe_${noun}`, maxConnections: settings.maxConnections });
  await migrate(store, definition.migrations);
  const identity = { service: noun, privateKey: readPrivateKey(settings.privateKeyPem) };
  const publicKeys = readPublicKeys(settings.publicKeyPems);
  const serviceToken = tokenSigner(identity);
  const clients = buildClients(definition.calls, settings, serviceToken);
  const config = definition.readConfig(settings.env);
  const built = await definition.build({
    store,
    config,
    log: settings.log,
    clients,
    identity,
    publicKeys,
    serviceToken,
    now: () => new Date(),
  });
  const asked = built.authenticateUser ? undefined : askUserManager(settings, serviceToken);
  const users = built.authenticateUser ?? asked?.users.authenticate;
  if (!users) throw new Error('No way to authenticate users');
  let draining = false;
  const bound = bind(
    fullName,
    definition.definition,
    built.handlers,
    {
      authenticator: authenticator(noun, publicKeys, users),
      auditSink: auditBatch(store),
      admission: { maxUnary: settings.maxCalls, maxStreams: MAX_STREAMS, draining: () => draining },
      mapError: (error) => mapPgError(passOn(error, 'peer')),
    },
    settings.log,
  );
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    'grpc.max_concurrent_streams': 1000,
    'grpc.keepalive_time_ms': 30_000,
    'grpc.keepalive_timeout_ms': 10_000,
  });
  server.addService(bound.definition, bound.implementation);
  addReflection(server, [fullName, 'grpc.health.v1.Health']);
  const health = new HealthImplementation({ '': 'SERVING', [fullName]: 'SERVING' });
  health.addToServer(server);
  const port = await listenOn(server, settings.listen);
  const loops = startLoops(built, store, noun, asked?.users, settings);
  settings.log.info({ port }, 'serving');
  const close = async (): Promise<void> => {
    draining = true;
    health.setStatus('', 'NOT_SERVING');
    health.setStatus(fullName, 'NOT_SERVING');
    await shutDown(server, settings.drainMs);
    await loops.stop();
    await built.close?.();
    asked?.close();
    for (const client of Object.values(clients) as { close: () => void }[]) client.close();
    await store.close();
  };
  return { noun, port, close };
};
