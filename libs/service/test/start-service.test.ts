import { AuditLoggerDefinition } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import type { PlatformTables } from '@lethe/db/platform';
import { newServiceKeys } from '@lethe/servers/keys';
import { serviceDatabaseUrl } from '@lethe/servers/provision';
import '@lethe/testkit/suite';
import { copyTemplate } from '@lethe/testkit/template';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { defineService } from '../src/define-service.ts';
import { readEnv } from '../src/env.ts';
import { createLogger } from '../src/logger.ts';
import { startService, type Settings } from '../src/start-service.ts';
import { every, type Worker } from '../src/worker.ts';

let database: Awaited<ReturnType<typeof copyTemplate>>;
let admin: Client;
beforeEach(async () => {
  database = await copyTemplate(inject('postgresUrl'));
  admin = new Client({ connectionString: inject('postgresUrl') });
  await admin.connect();
});
afterEach(async () => {
  await admin.end();
  await database.drop();
});

const settings = (listen: string): Settings => {
  const keys = newServiceKeys();
  return {
    databaseUrl: serviceDatabaseUrl(inject('postgresUrl'), database.database, 'audit', inject('passwords')),
    natsUrl: 'nats://127.0.0.1:9',
    listen,
    peers: { user: '127.0.0.1:9' },
    privateKeyPem: keys.privateKeys.audit,
    publicKeyPems: keys.publicKeys,
    maxConnections: 3,
    maxCalls: 10,
    drainMs: 500,
    env: readEnv({}),
    log: createLogger('audit', 'silent'),
  };
};

const serviceWith = (workers: Worker[], closed: string[] = []) =>
  defineService<PlatformTables>()({
    noun: 'audit',
    contract: AuditLoggerDefinition,
    // The template has AuditLogger's own.
    migrations: { '0001-init': { up: async () => {} } },
    calls: {},
    readConfig: () => undefined,
    build: () => ({
      handlers: {
        listAuditLogs: async () => ({ auditLogs: [], nextPageToken: '', sourceWatermarks: {} }),
        getAuditLog: async () => ({ auditLog: undefined }),
      },
      workers,
      close: async () => void closed.push('built'),
    }),
  });

const sessions = async (): Promise<number> =>
  (await admin.query('select from pg_stat_activity where datname = $1', [database.database])).rowCount ?? 0;

describe('a start that fails', () => {
  test('closes what it had opened: the pool, the workers, what the service built', async () => {
    const closed: string[] = [];
    const worker: Worker = {
      name: 'waits',
      run: async (signal) => {
        await sleep(60_000, undefined, { signal }).catch(() => {});
        closed.push('worker');
      },
    };
    await expect(startService(serviceWith([worker], closed), settings('no-such-host.invalid:1'))).rejects.toThrow();
    expect(closed).toEqual(['worker', 'built']);
    // The server hears of a session's end a moment later.
    await expect.poll(sessions).toBe(0);
  });
});

describe('the end of a service', () => {
  test('closes its pool and ends its workers', async () => {
    let rounds = 0;
    const service = await startService(serviceWith([every('counts', 5, async () => void (rounds += 1))]), settings('127.0.0.1:0'));
    await sleep(60);
    await service.close();
    const ended = rounds;
    await sleep(30);
    expect(ended).toBeGreaterThan(1);
    expect(rounds).toBe(ended);
    // The server hears of a session's end a moment later.
    await expect.poll(sessions).toBe(0);
  });
});

describe('a worker', () => {
  test('goes on after a round that throws, and logs its name and the error’s, never the text', async () => {
    const lines: string[] = [];
    const log = createLogger('test', 'info', { write: (line: string) => void lines.push(line) });
    const ending = new AbortController();
    let rounds = 0;
    await every('fails', 1, async () => {
      rounds += 1;
      if (rounds === 3) ending.abort();
      throw Object.assign(new TypeError('value 4711'), { code: 'EPLANTED' });
    }).run(ending.signal, log);
    expect(rounds).toBe(3);
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ worker: 'fails', error: 'TypeError EPLANTED' });
    expect(lines.join()).not.toContain('4711');
  });
});
