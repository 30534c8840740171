// A real server and a real client in this process, with the whole chain between them. Who a token stands for is a table.
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { Writable } from 'node:stream';
import { pino } from 'pino';
import { bind, type Handlers } from '../../src/bind.ts';
import type { ChainDependencies } from '../../src/chain.ts';
import { createClient, type ServiceClient } from '../../src/client.ts';
import { fail } from '../../src/errors.ts';
import type { Principal, UserPrincipal } from '../../src/principal.ts';

type Contract = typeof EtlTaskManagerDefinition;

/** A running server with the methods of EtlTaskManager that a test gives it. */
export type TestServer = {
  address: string;
  client: ServiceClient<Contract>;
  /** A client with another token. */
  as: (token: string) => ServiceClient<Contract>;
  records: AuditRecord[];
  /** The lines of the log, as objects. */
  logged: Record<string, unknown>[];
  close: () => Promise<void>;
};

export const GROUP_ID = '018f0000-0000-7000-8000-000000000001';

export const USER: UserPrincipal = {
  kind: 'user',
  userId: '018f0000-0000-7000-8000-0000000000aa',
  displayName: 'Somebody',
  superuser: true,
  scopes: ['*'],
  tokenId: '',
  memberships: new Map(),
  permissions: new Set(),
  authzRevision: 1n,
  access: undefined,
};

const PRINCIPALS: Record<string, Principal> = {
  user: USER,
  nobody: { ...USER, superuser: false },
  service: { kind: 'service', service: 'data', onBehalfOf: USER.userId, runId: '', groupId: GROUP_ID },
};

const unimplemented = (): never => {
  throw new TypeError('the test has no handler for this method');
};

/** Starts a server; `chain` replaces what the chain gets from its service. */
export const startServer = async (handlers: Partial<Handlers<Contract>>, chain: Partial<ChainDependencies> = {}): Promise<TestServer> => {
  const records: AuditRecord[] = [];
  const logged: Record<string, unknown>[] = [];
  const lines = new Writable({
    write: (text: Buffer, _encoding, done) => {
      logged.push(JSON.parse(text.toString()) as Record<string, unknown>);
      done();
    },
  });
  const dependencies: ChainDependencies = {
    authenticator: async (token) => {
      const principal = PRINCIPALS[token];
      if (!principal) throw fail('UNAUTHENTICATED');
      return principal;
    },
    auditSink: async (record) => void records.push(record),
    admission: { maxUnary: 100, maxStreams: 100, maxBytes: 1_000_000_000, draining: () => false },
    mapError: (error) => error,
    ...chain,
  };
  const all = Object.fromEntries(Object.keys(EtlTaskManagerDefinition.methods).map((name) => [name, unimplemented]));
  const bound = bind(EtlTaskManagerDefinition, { ...all, ...handlers } as Handlers<Contract>, dependencies, pino({}, lines));
  const server = new Server();
  server.addService(bound.definition, bound.implementation);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, found) => (error ? reject(error) : resolve(found)));
  });
  const address = `127.0.0.1:${port}`;
  const open: { close: () => void }[] = [];
  const as = (token: string): ServiceClient<Contract> => {
    const client = createClient(EtlTaskManagerDefinition, { address, token: () => token });
    open.push(client);
    return client;
  };
  const close = async (): Promise<void> => {
    for (const client of open) client.close();
    server.forceShutdown();
  };
  return { address, client: as('user'), as, records, logged, close };
};
