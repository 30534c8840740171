// A postgres target under workers of several epochs, and under one that says nothing any more.
import { BaseType, Column, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { until } from '@lethe/testkit/until';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest';
import { readPrivateTargets } from '../src/connectors/address.ts';
import type { LedgerEntry, ResolvedConnection, Target, UploadTable } from '../src/connectors/connector.ts';
import { postgresTarget, PUBLISHING_LIMITS } from '../src/connectors/postgres/target.ts';

const DATABASE = 'target_of_epochs';

let admin: Client;
let reader: Client;
let folder: string;
let csvPath: string;
const opened: Target[] = [];
beforeAll(async () => {
  const url = inject('postgresUrl');
  admin = new Client({ connectionString: url });
  await admin.connect();
  await admin.query(`create database ${DATABASE}`);
  reader = new Client({ connectionString: url.replace(/\/[^/]*$/, `/${DATABASE}`) });
  await reader.connect();
  folder = mkdtempSync(join(tmpdir(), 'lethe-target-'));
  csvPath = join(folder, 'rows.csv');
  writeFileSync(csvPath, '1\n2\n');
});
afterEach(async () => {
  disarmFailpoints();
  for (const target of opened.splice(0)) await target.close();
});
afterAll(async () => {
  await reader.end();
  await admin.query(`drop database ${DATABASE} with (force)`);
  await admin.end();
  rmSync(folder, { recursive: true, force: true });
});

const connection = (): ResolvedConnection => {
  const { hostname, port, username, password } = new URL(inject('postgresUrl'));
  return {
    id: 'c',
    groupId: 'g',
    name: 'target',
    type: 'postgres',
    settings: { host: hostname, port: Number(port), database: DATABASE, user: decodeURIComponent(username) },
    secret: { password: decodeURIComponent(password) },
  };
};

const table: UploadTable = {
  table: 'people',
  schema: '',
  target: 'people',
  versioned: 'people__1_0_0',
  replace: false,
  columns: [Column.fromPartial({ name: 'id', type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE })],
  description: '',
  rowCount: 2,
  primaryKey: ['id'],
  required: [],
  foreignKeys: [],
};

const open = async (uploadId: string, epoch: number): Promise<Target> => {
  const limits = { privateTargets: readPrivateTargets(['127.0.0.0/8'], new Set<number>()), fileRoot: folder, sourceTimeoutMs: 60_000 };
  const upload = { uploadId, stagingId: 'run', epoch, isPublishing: false, fence: async () => {} };
  const target = await postgresTarget(connection(), limits, upload, new AbortController().signal);
  opened.push(target);
  return target;
};

/** The epochs of which tables lie hidden. */
const hidden = async (): Promise<number[]> => {
  const { rows } = await reader.query<{ relname: string }>(`select relname from pg_class where relkind = 'r' and relname like 'u\\_%'`);
  return rows.map(({ relname }) => Number(relname.split('_')[2])).toSorted((left, right) => left - right);
};

test('a worker removes what it and earlier ones have staged, and nothing of one that has overtaken it', async () => {
  const [first, second, third] = [await open('a', 1), await open('a', 2), await open('a', 3)];
  for (const target of [first, second, third]) await target.stage(table, [csvPath]);
  expect(await hidden()).toEqual([1, 2, 3]);
  await second.cleanUp();
  expect(await hidden()).toEqual([3]);
  await third.cleanUp();
  expect(await hidden()).toEqual([]);
});

test('a worker that says nothing any more holds readers and the next one for thirty seconds at most', async () => {
  expect(PUBLISHING_LIMITS.idleMs).toBe(30_000);
  PUBLISHING_LIMITS.idleMs = 500;
  try {
    const target = await open('b', 1);
    await target.stage(table, [csvPath]);
    const released = Promise.withResolvers<void>();
    armFailpoint('upload.target.commit.before', () => released.promise);
    const entry: LedgerEntry = { uploadId: 'b', epoch: 1, runId: randomUUID(), moduleId: randomUUID(), version: '1.0.0', tables: [] };
    const outcome = target.commit(entry, [table]).catch((error: unknown) => error);
    const sessions = async (): Promise<number> =>
      (await reader.query(`select from pg_stat_activity where datname = $1 and state = 'idle in transaction'`, [DATABASE])).rowCount ?? 0;
    await until(async () => ((await sessions()) === 1 ? true : undefined));
    await until(async () => ((await sessions()) === 0 ? true : undefined), 5_000);
    const next = await open('b', 2);
    expect(await next.probe('b')).toBeUndefined();
    released.resolve();
    expect(await outcome).toMatchObject({ transient: true });
    await next.cleanUp();
  } finally {
    PUBLISHING_LIMITS.idleMs = 30_000;
  }
});
