// What a value, a script or a foreign server says comes into no view of a run, no table of a service (events, audit records, notifications) and no log.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal } from '@lethe/contracts/run-state';
import { makeWorker, postgresAddress, query } from '@lethe/testkit/orders';
import { startRun } from '@lethe/testkit/runs';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { randomBytes, randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { LEAK_CASES, startLeakServer, type LeakCase } from './support/leak-cases.ts';

const log: string[] = [];
let suite: Suite;
let worker: TestUser;
let groupId: string;
let targetId: string;
beforeAll(async () => {
  suite = await startSuite({ log: 'trace', onLog: (line) => log.push(line) });
  ({ worker, groupId } = await makeWorker(suite));
  targetId = await connect('target', { type: 'file', settings: { path: folder('target') } });
});
afterAll(() => suite.close());

const folder = (name: string): string => {
  mkdirSync(join(suite.folder, groupId, name), { recursive: true });
  return name;
};

const connect = async (
  displayName: string,
  rest: Pick<Parameters<TestUser['extdatamodule']['createConnection']>[0], 'type' | 'settings' | 'secret'>,
): Promise<string> => (await worker.extdatamodule.createConnection({ groupId, displayName, ...rest })).connection?.id ?? '';

const connectSource = ({ source }: LeakCase, name: string, port: number): Promise<string> => {
  const postgres = postgresAddress(suite, name);
  if (source.kind === 'sql') return connect(name, postgres);
  if (source.kind === 'file') return connect(name, { type: 'file', settings: { path: name } });
  if (source.kind === 'tcp' && source.type === 'postgres')
    return connect(name, { ...postgres, settings: { ...postgres.settings, host: '127.0.0.1', port } });
  return connect(name, { type: 'http', settings: { baseUrl: `http://127.0.0.1:${port}` } });
};

const readOf = ({ source }: LeakCase): Record<string, unknown> => {
  if (source.kind === 'file') return { fileRead: { path: 'people.x', format: source.format } };
  if (source.kind === 'http' || (source.kind === 'tcp' && source.type === 'http'))
    return { httpRead: { path: '/people', rowsPointer: '/rows' } };
  return { tableRead: { table: 'people' } };
};

const documentOf = (leak: LeakCase, connection: string, target: string): Record<string, unknown> => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'people',
  description: 'Texts that must come nowhere',
  tables: [
    {
      name: 'people',
      columns: [{ name: 'name', datatype: { base: 'string' }, role: 'insensitive', emptyStrategy: 'Ignore' }],
      privacy: 'none',
      noneReason: 'a test',
    },
  ],
  protocol: [{ table: 'people', rank: 1, connection, ...readOf(leak) }],
  upload: [{ table: 'people', connection: targetId, mode: 'versioned', target, format: 'csv' }],
});

const makeScript = async (
  name: string,
  type: Script_Type,
  language: Script_Language,
  content: string,
  output = 'string',
): Promise<string> => {
  const properties = type === Script_Type.TRANSFORMATION ? { outputs: [{ name: 'name', type: output, role: 'insensitive' }] } : {};
  const { script } = await worker.script.createScript({ groupId, displayName: name, type, language, content, properties });
  await worker.script.releaseScript({ scriptId: script?.id ?? '', version: 1 });
  return script?.id ?? '';
};

const bind = (scriptId: string, connectionId = '') => [
  { table: 'people', script: { scriptId, version: 0 }, connectionId, rank: 1, parameters: {} },
];

const makeTask = async (leak: LeakCase, name: string, port: number): Promise<{ taskId: string; connectionId: string }> => {
  const { source, transform } = leak;
  const connectionId = await connectSource(leak, name, port);
  const { dataModule } = await worker.extdatamodule.createDataModule({
    groupId,
    displayName: name,
    document: documentOf(leak, connectionId, name),
  });
  const { task } = await worker.task.createTask({ groupId, displayName: name, moduleId: dataModule?.id ?? '' });
  const taskId = task?.id ?? '';
  if (transform) {
    const scriptId = await makeScript(
      name,
      Script_Type.TRANSFORMATION,
      Script_Language[transform.language],
      transform.content,
      transform.type,
    );
    await worker.task.updateTransformationScripts({ taskId, bindings: bind(scriptId), etag: '*' });
  }
  const content = source.kind === 'sql' ? source.query?.(name) : source.kind === 'http' ? source.script : undefined;
  if (content !== undefined) {
    const scriptId = await makeScript(
      name,
      Script_Type.EXTRACTION,
      source.kind === 'sql' ? Script_Language.SQL : Script_Language.TYPESCRIPT,
      content,
    );
    await worker.task.updateExtractionScript({ taskId, bindings: bind(scriptId, connectionId), etag: '*' });
  }
  await worker.task.release({ taskId });
  return { taskId, connectionId };
};

/** The run at its end, or where it waits for what may pass. */
const endOf = async (runId: string, waits: boolean): Promise<Run> =>
  until(async () => {
    const { run } = await worker.task.getRun({ runId });
    return run && (isTerminal(run.state) || (waits && run.errorInfo !== undefined)) ? run : undefined;
  }, 60_000);

/** Waits until audit record and notification of the end are where they are kept. */
const delivered = async (runId: string): Promise<void> => {
  await until(async () => {
    const { auditLogs } = await worker.audit.listAuditLogs({ runId });
    const { notifications } = await worker.user.listNotifications({});
    const ended = auditLogs.some(({ record }) => record?.action === 'system/fail' || record?.action === 'system/stop');
    return ended && notifications.some((found) => found.runId === runId) ? true : undefined;
  });
};

test.concurrent.each(LEAK_CASES.map((leak) => [leak.name, leak] as const))(
  'a text comes into no view, table or log that is chosen by %s',
  async (_, leak) => {
    // A SQLSTATE has five characters.
    const mark = leak.isShort ? `Q${String(randomInt(1000, 9999))}` : `LEAK${randomBytes(8).toString('hex').toUpperCase()}`;
    const name = `leak_${randomBytes(4).toString('hex')}`;
    const server = await startLeakServer(leak.source, mark);
    try {
      if (leak.source.kind === 'sql') await query(suite, `create schema ${name}; ${leak.source.statements(name, mark)}`);
      if (leak.source.kind === 'file') writeFileSync(join(suite.folder, groupId, folder(name), 'people.x'), leak.source.content(mark));
      const { taskId, connectionId } = await makeTask(leak, name, server.port);
      const { error, unreadableReasons, unwritableReasons } = await worker.extdatamodule.testConnection({ connectionId });
      expect([error, ...unreadableReasons, ...unwritableReasons].join(' ')).not.toContain(mark);
      const runId = await startRun(worker, taskId);
      const run = await endOf(runId, leak.waits ?? false);
      expect(run.errorInfo?.reason).toBe(leak.reason);
      // What comes after the preflight knows the table.
      if (run.errorInfo?.stage !== RunState.EXTRACTING) expect(run.errorInfo?.table).toBe('people');
      expect(JSON.stringify(run, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toContain(mark);
      if (run.state !== RunState.FAILED) await worker.task.stop({ runId, outbox: OutboxDecision.DELETE, reason: 'seen' });
      await endOf(runId, false);
      await delivered(runId);
      expect(await tablesHolding(suite.databaseUrl, mark)).toEqual([]);
      expect(log.filter((line) => line.includes(mark))).toEqual([]);
    } finally {
      server.close();
    }
  },
);

test('the search finds what was logged, and what is kept', async () => {
  expect(log.some((line) => line.includes('a step failed'))).toBe(true);
  expect(await tablesHolding(suite.databaseUrl, 'Texts that must come nowhere')).not.toEqual([]);
});
