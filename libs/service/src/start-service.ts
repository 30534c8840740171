// Starts a service in this process, and stops it again. The six programs and the tests use the same function.
import { AccessChanged } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { ServiceContract } from '@lethe/contracts/message';
import type { Noun } from '@lethe/contracts/nouns';
import { now } from '@lethe/contracts/clock';
import { auditBatch } from '@lethe/db/audit-batch';
import { followDatabase } from '@lethe/db/clock';
import { migrate } from '@lethe/db/migrate';
import { openStore, type Store } from '@lethe/db/open';
import { mapPgError } from '@lethe/db/pg-errors';
import type { PlatformTables } from '@lethe/db/platform';
import { openBus } from '@lethe/events/connect';
import { runConsumer, type EventHandlers } from '@lethe/events/consume';
import { runRelay } from '@lethe/events/relay';
import { bind } from '@lethe/grpc/bind';
import { createClient, type CallOptions } from '@lethe/grpc/client';
import { actingUserId } from '@lethe/grpc/context';
import { passOn } from '@lethe/grpc/errors';
import { readPrivateKey, readPublicKeys, tokenSigner, type TokenRequest } from '@lethe/grpc/service-tokens';
import type { Logger } from 'pino';
import { authenticator, userCache, type UserCache } from './authenticator.ts';
import type { Built, Calls, Dependencies, ServiceDefinition } from './define-service.ts';
import type { Env } from './env.ts';
import { serve } from './serve.ts';

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
export type RunningService = { noun: Noun; port: number; close: () => Promise<void> };

// Of streams that are served, and of the bytes of requests that are.
const MAX_STREAMS = 1000;
const MAX_BYTES = 256 * 1024 * 1024;

type Sign = (request: TokenRequest) => Promise<string>;
type Clients<C extends Calls> = Dependencies<PlatformTables, unknown, C>['clients'];
type Closing = { close: () => void };

const buildClients = <C extends Calls>(calls: C, settings: Settings, sign: Sign, stack: AsyncDisposableStack): Clients<C> => {
  const entries = Object.entries(calls as Record<string, ServiceContract>).map(([noun, contract]) => {
    const address = settings.peers[noun];
    if (address === undefined) throw new Error(`No address of the service ${noun}`);
    const token = ({ parent }: CallOptions): Promise<string> =>
      sign({ audience: noun, ...(parent ? { onBehalfOf: actingUserId(parent), groupId: parent.groupId, runId: parent.runId } : {}) });
    return [noun, stack.adopt(createClient(contract, { address, token }) as Closing, (client) => client.close())];
  });
  return Object.fromEntries(entries) as Clients<C>;
};

/** The rights of users as UserManager says, cached. */
const remoteUsers = (settings: Settings, sign: Sign, stack: AsyncDisposableStack): UserCache => {
  const options = { address: settings.peers['user'] ?? '', token: () => sign({ audience: 'user' }) };
  const client = stack.adopt(createClient(UserManagerDefinition, options), ({ close }) => close());
  return userCache((token) => client.authenticate({ token }));
};

/** The events that every service takes in, and its own. */
const withAccessChanges = <T extends PlatformTables>(
  own: EventHandlers<T> | undefined,
  users: UserCache | undefined,
): EventHandlers<T> => ({
  handlers: new Map([...(users ? [[AccessChanged.$type, async () => {}] as const] : []), ...(own?.handlers ?? [])]),
  committed: (envelopes) => {
    for (const { type, payload } of envelopes) if (type === AccessChanged.$type) users?.drop(AccessChanged.decode(payload).userId);
    own?.committed?.(envelopes);
  },
});

type Loops<T extends PlatformTables> = {
  store: Store<T>;
  noun: Noun;
  events: EventHandlers<T>;
  workers: Built<T, ServiceContract>['workers'];
  natsUrl: string;
  log: Logger;
};

/** Starts the relay, the consumer and the workers; returns what ends them. */
const startLoops = <T extends PlatformTables>({ store, noun, events, workers, natsUrl, log }: Loops<T>): (() => Promise<void>) => {
  const ending = new AbortController();
  const bus = openBus(natsUrl, noun, log);
  const loops = [
    runRelay({ store, bus, source: noun, log, signal: ending.signal }),
    runConsumer({ store, bus, noun, events, log, signal: ending.signal }),
    ...(workers ?? []).map(({ run }) => run(ending.signal, log)),
  ];
  return async () => {
    ending.abort();
    bus.close();
    await Promise.allSettled(loops);
  };
};

/**
 * Brings a service to SERVING: its schema migrated and its port bound. NATS and the other services may be away. What was opened is closed in
 * reverse order, when the service ends or when its start fails.
 */
export const startService = async <T extends PlatformTables, D extends ServiceContract, Config, C extends Calls>(
  definition: ServiceDefinition<T, D, Config, C>,
  settings: Settings,
): Promise<RunningService> => {
  await using starting = new AsyncDisposableStack();
  const { noun, contract } = definition;
  const { log } = settings;
  const options = { url: settings.databaseUrl, schema: `lethe_${noun}`, maxConnections: settings.maxConnections };
  const store = starting.adopt(openStore<T>(options), (opened) => opened.close());
  await migrate(store, definition.migrations);
  starting.defer(await followDatabase(store, log));
  const identity = { service: noun, privateKey: readPrivateKey(settings.privateKeyPem) };
  const publicKeys = readPublicKeys(settings.publicKeyPems);
  const serviceToken = tokenSigner(identity);
  const clients = buildClients(definition.calls, settings, serviceToken, starting);
  const config = definition.readConfig(settings.env);
  const built = await definition.build({ store, config, log, clients, identity, publicKeys, serviceToken, now });
  starting.defer(async () => built.close?.());
  const remote = built.authenticateUser ? undefined : remoteUsers(settings, serviceToken, starting);
  const users = built.authenticateUser ?? remote?.authenticate;
  if (!users) throw new Error('No way to authenticate users');
  const events = withAccessChanges(built.events, remote);
  starting.defer(startLoops({ store, noun, events, workers: built.workers, natsUrl: settings.natsUrl, log }));
  let draining = false;
  const bound = bind(
    contract,
    built.handlers,
    {
      authenticator: authenticator(noun, publicKeys, users),
      auditSink: auditBatch(store),
      admission: { maxUnary: settings.maxCalls, maxStreams: MAX_STREAMS, maxBytes: MAX_BYTES, draining: () => draining },
      mapError: (error) => mapPgError(passOn(error, 'peer')),
    },
    log,
  );
  const drain = (): void => {
    draining = true;
  };
  const served = await serve({ fullName: contract.fullName, bound, listen: settings.listen, drainMs: settings.drainMs, drain, log });
  starting.defer(served.end);
  log.info({ port: served.port }, 'serving');
  const running = starting.move();
  return { noun, port: served.port, close: () => running.disposeAsync() };
};
