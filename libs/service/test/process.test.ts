// A service as a process of its own: what leaves it before it exits, and what a start that fails leaves behind.
import { NOUNS, type Noun } from '@lethe/contracts/nouns';
import { newServiceKeys } from '@lethe/servers/keys';
import { serviceDatabaseUrl } from '@lethe/servers/provision';
import { ROOT } from '@lethe/servers/repository';
import { createClient, type ServiceClient } from '@lethe/grpc/client';
import { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { freePort } from '@lethe/testkit/servers';
import '@lethe/testkit/suite';
import { copyTemplate } from '@lethe/testkit/template';
import { until } from '@lethe/testkit/until';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';

let folder: string;
let database: Awaited<ReturnType<typeof copyTemplate>>;
let collector: Server;
let received: { path: string; size: number }[];
let child: ChildProcess | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lethe-process-'));
  database = await copyTemplate(inject('postgresUrl'));
  collector = createServer((request, response) => {
    let size = 0;
    request.on('data', (bytes: Buffer) => (size += bytes.length));
    request.on('end', () => {
      received.push({ path: request.url ?? '', size });
      response.end();
    });
  });
  collector.listen(0, '127.0.0.1');
  await once(collector, 'listening');
});
afterAll(async () => {
  collector.close();
  await database.drop();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => child?.kill('SIGKILL'));

const environment = (listen: string): Record<string, string> => {
  const keys = newServiceKeys();
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
    return join(folder, name);
  };
  return {
    PATH: process.env['PATH'] ?? '',
    LETHE_DATABASE_URL: serviceDatabaseUrl(inject('postgresUrl'), database.database, 'audit', inject('passwords')),
    // Nothing listens there: a service serves while NATS is away.
    LETHE_NATS_URL: 'nats://127.0.0.1:9',
    LETHE_LISTEN: listen,
    ...Object.fromEntries(NOUNS.map((noun: Noun) => [`LETHE_${noun.toUpperCase()}_ADDRESS`, '127.0.0.1:9'])),
    LETHE_KEY_FILE: file('key.pem', keys.privateKeys.audit),
    LETHE_PUBLIC_KEYS_FILE: file('public.json', JSON.stringify(keys.publicKeys)),
    OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    // Longer than the test: what arrives has been flushed.
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  };
};

const start = (listen: string): ChildProcess => {
  received = [];
  const args = ['--import', join(ROOT, 'libs/service/src/telemetry.ts'), join(ROOT, 'services/audit-logger/src/main.ts')];
  child = spawn(process.execPath, args, { env: environment(listen), stdio: 'ignore' });
  return child;
};

const status = async (of: ChildProcess): Promise<number | null> =>
  of.exitCode === null ? ((await once(of, 'exit')) as [number | null])[0] : of.exitCode;

const refusedCall = async (client: ServiceClient<typeof AuditLoggerDefinition>): Promise<true | undefined> => {
  const error = await client.listAuditLogs({}, { deadlineMs: 1_000 }).catch((thrown: { reason?: string }) => thrown);
  // A call without a token is refused before it has a span; for one with a token somebody is asked, who is away.
  return 'reason' in error && error.reason === 'DEPENDENCY_UNAVAILABLE' ? true : undefined;
};

describe('a service that is told to end', () => {
  test('sends its spans before it exits with status 0', async () => {
    const listen = `127.0.0.1:${await freePort()}`;
    const service = start(listen);
    const client = createClient(AuditLoggerDefinition, { address: listen, token: () => 'made-up' });
    await until(() => refusedCall(client));
    client.close();
    service.kill('SIGTERM');
    expect(await status(service)).toBe(0);
    expect(received).toEqual([{ path: '/v1/traces', size: expect.any(Number) }]);
    expect(received[0]?.size).toBeGreaterThan(100);
  });
});

describe('a service whose port is taken', () => {
  test('exits with an error and leaves no connection to its database', async () => {
    const other = createTcpServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const service = start(`127.0.0.1:${(other.address() as AddressInfo).port}`);
    expect(await status(service)).not.toBe(0);
    other.close();
    const admin = new Client({ connectionString: inject('postgresUrl') });
    await admin.connect();
    const sessions = async (): Promise<true | undefined> =>
      (await admin.query('select from pg_stat_activity where datname = $1', [database.database])).rowCount === 0 ? true : undefined;
    await until(sessions);
    await admin.end();
  });
});
