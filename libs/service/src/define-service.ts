// What a service is: names, tables, settings, and the one function that wires it.
import type { ServiceContract } from '@lethe/contracts/message';
import type { Noun } from '@lethe/contracts/nouns';
import type { Handlers } from '@lethe/grpc/bind';
import type { ServiceClient } from '@lethe/grpc/client';
import type { Authenticator } from '@lethe/grpc/middleware/authenticate';
import type { ServiceIdentity, TokenRequest } from '@lethe/grpc/service-tokens';
import type { Store } from '@lethe/db/open';
import type { Migrations } from '@lethe/db/migrate';
import type { PlatformTables } from '@lethe/db/platform';
import type { EventHandlers } from '@lethe/events/consume';
import type { KeyObject } from 'node:crypto';
import type { Logger } from 'pino';
import type { Env } from './env.ts';
import type { Worker } from './worker.ts';

/** The contracts of the services that a service calls, by noun. */
export type Calls = { [K in Noun]?: ServiceContract };

/** What `build` gets. */
export type Dependencies<T extends PlatformTables, Config, C extends Calls> = {
  store: Store<T>;
  config: Config;
  log: Logger;
  clients: { [K in keyof C]: C[K] extends ServiceContract ? ServiceClient<C[K]> : never };
  identity: ServiceIdentity;
  /** The public keys of all services. */
  publicKeys: Map<string, KeyObject>;
  serviceToken: (request: TokenRequest) => Promise<string>;
  now: () => Date;
};

/** What `build` makes. */
export type Built<T extends PlatformTables, D extends ServiceContract> = {
  handlers: Handlers<D>;
  events?: EventHandlers<T>;
  workers?: readonly Worker[];
  /** UserManager's own; the others call it. */
  authenticateUser?: Authenticator;
  close?: () => Promise<void>;
};

/** A service. */
export type ServiceDefinition<T extends PlatformTables, D extends ServiceContract, Config, C extends Calls> = {
  noun: Noun;
  /** The generated contract: `EtlTaskManagerDefinition`. */
  contract: D;
  migrations: Migrations;
  calls: C;
  readConfig: (env: Env) => Config;
  build: (dependencies: Dependencies<T, Config, C>) => Built<T, D> | Promise<Built<T, D>>;
};

/** Checks a service's shape and returns it as it is. */
export const defineService =
  <T extends PlatformTables>() =>
  <D extends ServiceContract, Config, C extends Calls>(
    definition: ServiceDefinition<T, D, Config, C>,
  ): ServiceDefinition<T, D, Config, C> =>
    definition;
