// Services in this process, on a database of their own, with real clients.
import type { GetUserResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { readPrivateKey, signTicket, tokenSigner, type ServiceIdentity, type Ticket, type TokenRequest } from '@lethe/grpc/service-tokens';
import { connectClients, type Clients } from '@lethe/grpc/clients';
import { newServiceKeys } from '@lethe/servers/keys';
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { serviceDatabaseUrl, type RolePasswords } from '@lethe/servers/provision';
import { readEnv } from '@lethe/service/env';
import { createLogger } from '@lethe/service/logger';
import { startService, type RunningService } from '@lethe/service/start-service';
import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { startIssuer, type TestIssuer } from './issuer.ts';
import { loadService } from './load-service.ts';
import { freePort, startTestNats, type TestNats } from './servers.ts';
import { copyTemplate } from './template.ts';

/** What a test of a service holds besides the suite. */
export type { Clients } from '@lethe/grpc/clients';

declare module 'vitest' {
  // Declarations merge through interfaces alone: a type alias would not add to vitest's own.
  // oxlint-disable-next-line typescript/consistent-type-definitions
  export interface ProvidedContext {
    postgresUrl: string;
    passwords: RolePasswords;
  }
}

/** A user of the suite: id, token, clients. */
export type TestUser = Clients & { id: string; token: string; subject: string };

/** Running services. */
export type Suite = {
  addresses: Record<Noun, string>;
  databaseUrl: string;
  issuer: TestIssuer;
  /** The first superuser. */
  admin: TestUser;
  /** Logs somebody in; a new subject makes a new user. */
  user: (subject?: string) => Promise<TestUser>;
  /** Clients with any token. */
  clients: (token: string) => Clients;
  /** A group with the admin as owner. */
  group: (name?: string) => Promise<string>;
  member: (groupId: string, user: TestUser, role: Role, duties?: Duty[]) => Promise<void>;
  /** A token of a service, as the service itself would sign it. */
  serviceToken: (service: Noun, request: TokenRequest) => Promise<string>;
  /** A run's ticket, as a service would sign it; only EtlTaskManager's are good. */
  ticket: (service: Noun, ticket: Ticket, lifetimeMs?: number) => Promise<string>;
  /** The identity of a service, to sign what only it may. */
  identity: (service: Noun) => ServiceIdentity;
  running: Map<Noun, RunningService>;
  nats: TestNats;
  folder: string;
  close: () => Promise<void>;
};

/** What a suite may be started with. `issuers` are trusted beside its own: `<issuer>=<audience>`; `host` is where the services listen. */
export type SuiteOptions = {
  services?: readonly Noun[];
  settings?: Record<string, string>;
  log?: string;
  /** Gets each line of the log in place of standard output. */
  onLog?: (line: string) => void;
  issuers?: string[];
  host?: string;
};

const reservePorts = async (host: string): Promise<Record<Noun, string>> =>
  Object.fromEntries(await Promise.all(NOUNS.map(async (noun) => [noun, `${host}:${await freePort()}`]))) as Record<Noun, string>;

/** Starts services in this process; all six unless said otherwise. */
export const startSuite = async (options: SuiteOptions = {}): Promise<Suite> => {
  const database = await copyTemplate(inject('postgresUrl'));
  const issuer = await startIssuer();
  const keys = newServiceKeys();
  const addresses = await reservePorts(options.host ?? '127.0.0.1');
  const folder = mkdtempSync(join(tmpdir(), 'lethe-test-'));
  const nats = await startTestNats(folder);
  const env = readEnv({
    LETHE_OIDC_ISSUERS: [`${issuer.issuer}=${issuer.audience}`, ...(options.issuers ?? [])].join(','),
    LETHE_SUPERUSERS: `${issuer.issuer}|admin`,
    LETHE_SECRET_KEYS: `test:${randomBytes(32).toString('base64url')}`,
    LETHE_DATA_FOLDER: join(folder, 'data'),
    LETHE_PRIVATE_TARGETS: '127.0.0.0/8,[::1]/128',
    LETHE_LEASE_MS: '5000',
    LETHE_FILE_ROOT: folder,
    ...options.settings,
  });
  const start = async (noun: Noun): Promise<RunningService> =>
    startService(await loadService(noun), {
      databaseUrl: serviceDatabaseUrl(inject('postgresUrl'), database.database, noun, inject('passwords')),
      natsUrl: nats.url,
      listen: addresses[noun],
      peers: addresses,
      privateKeyPem: keys.privateKeys[noun],
      publicKeyPems: keys.publicKeys,
      maxConnections: 6,
      maxCalls: 512,
      drainMs: 2_000,
      env,
      log: createLogger(noun, options.log ?? 'silent', options.onLog && { write: options.onLog }),
    });
  const running = new Map<Noun, RunningService>();
  for (const noun of options.services ?? NOUNS) running.set(noun, await start(noun));
  const open: Clients[] = [];
  const clients = (token: string): Clients => {
    const made = connectClients(addresses, token);
    open.push(made);
    return made;
  };
  const user = async (subject = `user-${randomUUID()}`): Promise<TestUser> => {
    const token = await issuer.token(subject);
    const made = clients(token);
    const known: GetUserResponse = await made.user.getUser({});
    return { ...made, id: known.user?.id ?? '', token, subject };
  };
  const admin = await user('admin');
  const group = async (name = `group-${randomUUID()}`): Promise<string> =>
    (await admin.user.createGroup({ displayName: name })).group?.id ?? '';
  const identity = (service: Noun): ServiceIdentity => ({ service, privateKey: readPrivateKey(keys.privateKeys[service]) });
  const close = async (): Promise<void> => {
    for (const made of open) made.close();
    await Promise.all([...running.values()].map((service) => service.close()));
    issuer.close();
    await nats.stop();
    await database.drop();
    rmSync(folder, { recursive: true, force: true });
  };
  return {
    addresses,
    databaseUrl: database.url,
    issuer,
    admin,
    user,
    clients,
    group,
    member: async (groupId, { id }, role, duties = []) => {
      await admin.user.addGroupMember({ groupId, userId: id, role, duties });
    },
    serviceToken: (service, request) => tokenSigner(identity(service))(request),
    ticket: (service, ticket, lifetimeMs = 60_000) => signTicket(identity(service), ticket, lifetimeMs),
    identity,
    running,
    nats,
    folder,
    close,
  };
};
