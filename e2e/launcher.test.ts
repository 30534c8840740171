// The launcher of `npm start` as a process: what it prints and writes, what its job published, and that nothing outlives it.
import { DataModuleVersion_State, type DataModuleVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Clients } from '@lethe/grpc/clients';
import { ROOT } from '@lethe/servers/repository';
import { until } from '@lethe/testkit/until';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import {
  connectAs,
  processesOf,
  readEnvFile,
  serverPid,
  startJobCommand,
  startLauncher,
  startServiceCommand,
  type Launcher,
} from './support/launcher.ts';
import { count, quasiIdentifying, readPublished, schemaViolations, smallestClass, type PublishedTable } from './support/published.ts';

const PORT_BASE = 18_300;
const K = 10;
const GONE_MS = 20_000;

let state: string;
let launcher: Launcher;
const start = (...args: string[]): void => {
  launcher = startLauncher(state, PORT_BASE, ...args);
};

beforeAll(async () => {
  state = mkdtempSync(join(tmpdir(), 'lethe-launcher-'));
  start();
  await launcher.prints('Serving.');
});
afterAll(async () => {
  await launcher.end('SIGTERM');
  rmSync(state, { recursive: true, force: true });
});

const nothingIsLeft = (): Promise<true> => until(async () => (processesOf(state).length === 0 ? true : undefined), GONE_MS);

/** Whether the stack responds, to somebody who waits a second. */
const listsTasks = async (): Promise<true | undefined> => {
  const manager = connectAs(state, 'manager');
  const response = await manager.task.listTasks({}, { deadlineMs: 1_000 }).catch(() => undefined);
  manager.close();
  return response && true;
};

describe('the job of a first start', () => {
  let editor: Clients;
  let reviewer: Clients;
  let target: Client;
  let version: DataModuleVersion | undefined;
  let table: PublishedTable;
  beforeAll(async () => {
    [editor, reviewer] = [connectAs(state, 'editor'), connectAs(state, 'reviewer')];
    const password = readFileSync(join(state, 'keys/example-target'), 'utf8');
    const port = Number(readEnvFile(state)['LETHE_POSTGRES_PORT']);
    target = new Client({ host: '127.0.0.1', port, database: 'example_target', user: 'example_target', password });
    await target.connect();
    const { dataModules } = await editor.extdatamodule.listDataModules({ displayName: 'census' });
    const moduleId = dataModules[0]?.id ?? '';
    ({ version } = await editor.extdatamodule.getDataModuleVersion({ moduleId, version: '1.0.0' }));
    table = await readPublished(version?.document);
  });
  afterAll(async () => {
    editor.close();
    reviewer.close();
    await target.end();
  });

  test('is told with its numbers, and the lines to try name no token', () => {
    expect(launcher.printed()).toMatch(/k asked 10, achieved 1\d/);
    expect(launcher.printed()).toMatch(/version +none → 1\.0\.0/);
    const token = readFileSync(join(state, 'tokens/admin'), 'utf8').trim();
    expect(launcher.printed()).not.toContain(token);
    for (const file of ['env', 'tokens/admin', 'keys/example-target']) expect(statSync(join(state, file)).mode & 0o077).toBe(0);
  });

  test('published the version, with the rows and the content hash of the entry that was reviewed', async () => {
    expect(version).toMatchObject({ state: DataModuleVersion_State.PUBLISHED, baseVersion: '' });
    const { entries } = await reviewer.data.getAll({ runId: version?.runId ?? '' });
    expect(version?.tables).toMatchObject([{ table: 'person', contentHash: entries[0]?.contentHash, rowCount: entries[0]?.rowCount }]);
    const { run } = await editor.task.getRun({ runId: version?.runId ?? '' });
    expect(run).toMatchObject({ state: RunState.UPLOADED, publishedVersion: '1.0.0' });
  });

  test('left as many rows in the target as the version has', async () => {
    expect(await count(target, `select count(*) from ${table.storedAs}`)).toBe(Number(version?.tables[0]?.rowCount));
  });

  test(`left no class below ${K} in the target, by GROUP BY over the quasi-identifying columns`, async () => {
    expect(quasiIdentifying(table)).toHaveLength(9);
    expect(await smallestClass(target, table)).toBeGreaterThanOrEqual(K);
  });

  test('left rows that satisfy the schema of the published document', async () => {
    expect(await schemaViolations(target, table)).toEqual([]);
  });
});

describe('npm run call', () => {
  test('shows an error with its reason, its fields and what to do, and no token', () => {
    const args = ['deploy/local/src/call.ts', 'user', 'GetGroup', '{"groupId": "x"}'];
    const called = spawnSync(process.execPath, args, { cwd: ROOT, env: { ...process.env, LETHE_STATE: state }, encoding: 'utf8' });
    expect(called.status).not.toBe(0);
    expect(called.stderr).toMatch(/^invalid_argument: /);
    expect(called.stderr).toMatch(/^reason: INVALID_REQUEST \(lethe\.user\.v1\)$/m);
    expect(called.stderr).toMatch(/^field group_id: .+ \(string\.uuid\)$/m);
    expect(called.stderr).toMatch(/^what to do: ./m);
    expect(called.stderr).not.toContain(readFileSync(join(state, 'tokens/admin'), 'utf8').trim());
  });
});

describe('a service that is run from source', () => {
  test('takes the place of the stack’s own, and the stack starts its own again afterwards', async () => {
    const command = startServiceCommand(state, 'task');
    await command.prints('"serving"');
    expect(await listsTasks()).toBe(true);
    expect(await command.end('SIGINT')).toBe(0);
    await until(listsTasks);
  });

  test('that the stack does not have is refused by name', async () => {
    const command = startServiceCommand(state, 'tasks');
    expect([await command.ended(), command.printed()]).toEqual([2, expect.stringContaining('user|audit|script')]);
  });
});

describe('the end', () => {
  let interruptedId: string;

  // A launcher that a failed test leaves would hold the ports of the next.
  afterEach(() => launcher.end('SIGTERM'));

  test('by SIGTERM: status 0, and no process is left', async () => {
    expect(processesOf(state).length).toBeGreaterThan(8);
    expect(await launcher.end('SIGTERM')).toBe(0);
    await nothingIsLeft();
  });

  test('by SIGKILL in the middle of a run: no process is left', async () => {
    start();
    // A stage is printed once it is over.
    await launcher.prints('  TRANSFORMING');
    expect(processesOf(state).length).toBeGreaterThan(8);
    const manager = connectAs(state, 'manager');
    const { runs } = await manager.task.listRuns({ pageSize: 1 });
    manager.close();
    interruptedId = runs[0]?.id ?? '';
    expect(runs).toMatchObject([{ baseVersion: '1.0.0', publishedVersion: '' }]);
    expect(await launcher.end('SIGKILL')).toBeNull();
    await nothingIsLeft();
  });

  test('the next start on the kept data ends the interrupted run, and with --once tells of it in one line of JSON', async () => {
    start('--once');
    expect([await launcher.ended(), launcher.printed()]).toEqual([0, expect.stringContaining('"versionAfter":"1.0.1"')]);
    const line = launcher.printed().trim().split('\n').at(-1) ?? '';
    expect(JSON.parse(line)).toMatchObject({ ok: true, runId: interruptedId, kRequired: K, versionBefore: '1.0.0', versionAfter: '1.0.1' });
    await nothingIsLeft();
  });
});

describe('a running stack', () => {
  beforeAll(async () => {
    start();
    await launcher.prints('Serving.');
  });

  test('runs the job over as many rows as it is asked to', async () => {
    const command = startJobCommand(state, 'census', '--rows', '20000');
    const countries = readFileSync(join(ROOT, 'examples/census/countries.txt'), 'utf8').trim().split('\n').length;
    // Every ninth person is at the HTTP source alone, and every third there too.
    const rowsRead = 20_000 - 2_222 + 6_666 + countries;
    expect([await command.ended(), command.printed()]).toEqual([0, expect.stringContaining(`"rowsRead":${rowsRead},`)]);
  });

  test.each(['0', 'many', ''])('says how the job is called where its rows are %j', async (rows) => {
    const command = startJobCommand(state, 'census', '--rows', rows);
    expect([await command.ended(), command.printed()]).toEqual([2, expect.stringContaining('census [--rows N]')]);
  });

  test.each([
    ['Postgres', 'postgres'],
    ['NATS', 'nats-server'],
  ] as const)('starts %s again when it dies, and says so', async (name, program) => {
    const before = serverPid(state, program) ?? 0;
    process.kill(before, 'SIGKILL');
    await launcher.prints(`${name} ended; it is started again.`);
    await until(async () => {
      const now = serverPid(state, program);
      return now !== undefined && now !== before ? true : undefined;
    }, 30_000);
    await until(listsTasks, 30_000);
    const command = startJobCommand(state, 'census');
    expect([await command.ended(), command.printed()]).toEqual([0, expect.stringContaining('"ok":true')]);
  });

  test('says what its end waits for, while a server does not end', async () => {
    const pid = serverPid(state, 'nats-server') ?? 0;
    process.kill(pid, 'SIGSTOP');
    const ended = launcher.end('SIGTERM');
    await launcher.prints('Waiting for the end of NATS …');
    process.kill(pid, 'SIGCONT');
    expect(await ended).toBe(0);
    await nothingIsLeft();
  });
});
