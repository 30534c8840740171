// A run that cannot go on, through the wire: what its view, its audit record and its notifications say of the failure.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Notification_Kind as Kind, type Notification } from '@lethe/contracts/gen/lethe/user/v1/access';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal } from '@lethe/contracts/run-state';
import { makeOrders, ordersDocument, postgresAddress, query, type Orders } from '@lethe/testkit/orders';
import { makePeople } from '@lethe/testkit/people';
import { confirmUpload, preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { makeVisits } from '@lethe/testkit/visits';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());

const endOf = async ({ worker }: Orders, runId: string): Promise<Run> =>
  until(async () => {
    const { run } = await worker.task.getRun({ runId });
    return run && isTerminal(run.state) ? run : undefined;
  });

const refused = async ({ worker }: Orders, runId: string): Promise<Run> =>
  until(async () => {
    const { run } = await worker.task.getRun({ runId });
    return run && run.refusal !== '' && !run.reconciling ? run : undefined;
  });

const notificationOf = ({ worker }: Orders, runId: string, kind: Kind): Promise<Notification> =>
  until(async () =>
    (await worker.user.listNotifications({})).notifications.find((found) => found.resource === `runs/${runId}` && found.kind === kind),
  );

const recordOf = ({ worker }: Orders, runId: string, action: string) =>
  until(async () => {
    const { auditLogs } = await worker.audit.listAuditLogs({ runId, action });
    const [found] = auditLogs;
    return found && (await worker.audit.getAuditLog({ auditLogId: found.id })).auditLog?.record;
  });

/** A message of the protocol of Postgres that asks how to authenticate. */
const authentication = (kind: number, text: string): Buffer => {
  const body = Buffer.alloc(8);
  body.writeInt32BE(8 + Buffer.byteLength(text), 0);
  body.writeInt32BE(kind, 4);
  return Buffer.concat([Buffer.from('R'), body, Buffer.from(text)]);
};

/** A server that begins SCRAM as Postgres does. */
const startPasswordServer = async (): Promise<{ port: number; close: () => void }> => {
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.once('data', () => {
      socket.write(authentication(10, 'SCRAM-SHA-256\0\0'));
      socket.once('data', () => socket.write(authentication(11, 'r=x,s=eA==,i=4096')));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { port: (server.address() as AddressInfo).port, close: () => void server.close() };
};

describe('a run that fails', () => {
  let orders: Orders;
  let run: Run;
  beforeAll(async () => {
    orders = await makeOrders(suite, 'versioned');
    await query(suite, `drop table ${orders.schema}.orders`);
    run = await endOf(orders, await startRun(orders.worker, orders.taskId));
  });

  test('says reason, stage, table, connection and object beside the sentence, and what to do', () => {
    expect(run.state).toBe(RunState.FAILED);
    expect(run.error).toBe(`Connection postgres ${orders.schema}: The source has no table ${orders.schema}.orders.`);
    expect(run.errorInfo).toMatchObject({
      reason: 'TABLE_MISSING',
      stage: RunState.EXTRACTING,
      table: 'orders',
      connectionId: orders.sourceId,
      connectionName: `postgres ${orders.schema}`,
      object: `${orders.schema}.orders`,
    });
    expect(run.errorInfo?.action).toMatch(/^Correct the name/);
  });

  test('says the same in the audit record of its end', async () => {
    const record = await recordOf(orders, run.id, 'system/fail');
    expect(record).toMatchObject({ reason: 'TABLE_MISSING', runId: run.id });
    expect(record?.after?.['errorInfo']).toMatchObject({
      reason: 'TABLE_MISSING',
      stage: 'RUN_STATE_EXTRACTING',
      table: 'orders',
      connectionId: orders.sourceId,
      object: `${orders.schema}.orders`,
    });
  });

  test('says the same in the notification, with the task, the run and the cause', async () => {
    const told = await notificationOf(orders, run.id, Kind.RUN_FAILED);
    expect(told).toMatchObject({ taskId: orders.taskId, runId: run.id, cause: run.error, errorInfo: run.errorInfo });
    expect(told.text).toBe(`A run of the task ${orders.schema} failed: ${run.error}`);
  });

  test('has names beside ids: who started it, its task, its module and its sources', async () => {
    const { user } = await orders.worker.user.getUser({});
    expect(run).toMatchObject({ startedByName: user?.displayName, taskName: orders.schema, moduleName: orders.schema });
    const { task } = await orders.worker.task.getTask({ taskId: orders.taskId });
    expect(task?.moduleName).toBe(orders.schema);
    expect(task?.revision).toMatchObject({ releasedBy: user?.id, releasedByName: user?.displayName });
    const other = await makeOrders(suite, 'versioned');
    const prepared = await waitFor(other.worker, await startRun(other.worker, other.taskId), RunState.PREPARED);
    expect(prepared.tables.flatMap(({ read }) => read.map(({ sourceName }) => sourceName))).toEqual(
      Array.from({ length: 2 }, () => `postgres ${other.schema}`),
    );
    const { entries } = await other.worker.data.getAll({ runId: prepared.id });
    expect(entries).toMatchObject([1, 2].map(() => ({ taskName: other.schema, moduleName: other.schema })));
  });

  test('for several reasons says each of them, with its own table', async () => {
    const both = await makeOrders(suite, 'versioned');
    await query(suite, `drop table ${both.schema}.orders; drop table ${both.schema}.customers`);
    const { errorInfo } = await endOf(both, await startRun(both.worker, both.taskId));
    expect(errorInfo).toMatchObject({ reason: 'PREFLIGHT_FAILED', count: 2n });
    expect(errorInfo?.problems).toMatchObject(
      ['customers', 'orders'].map((table) => ({ reason: 'TABLE_MISSING', table, connectionId: both.sourceId })),
    );
  });
});

describe('a run over a csv file', () => {
  test('whose rows are ragged says the file, the first line, the kind and how many rows', async () => {
    const people = await makePeople(suite);
    const visits = await makeVisits(suite, people.editor, people.groupId);
    writeFileSync(join(visits.folder, 'visits.csv'), 'id,city,amount\n1,Turin,2\n2,Ghent\n3,Ghent,4,5\n4,Turin\n');
    const runId = await startRun(people.manager, visits.taskId);
    const run = await until(async () => {
      const found = (await people.manager.task.getRun({ runId })).run;
      return found && isTerminal(found.state) ? found : undefined;
    });
    expect(run.errorInfo).toMatchObject({
      reason: 'CSV_ROWS_RAGGED',
      table: 'visits',
      connectionId: visits.connectionId,
      object: 'The file visits.csv',
      line: 3n,
      count: 3n,
    });
    expect(run.error).toMatch(/file visits\.csv: .*fewer.*more.*line 3/);
  });
});

describe('a connection', () => {
  const made = async (orders: Orders, type: string, settings: Record<string, unknown>): Promise<string> => {
    const { groupId } = orders;
    const { connection } = await orders.worker.extdatamodule.createConnection({ groupId, displayName: randomUUID(), type, settings });
    return connection?.id ?? '';
  };

  test('without a password says that the server asks for one', async () => {
    const orders = await makeOrders(suite, 'versioned');
    const server = await startPasswordServer();
    const settings = { ...postgresAddress(suite, orders.schema).settings, host: '127.0.0.1', port: server.port };
    const connectionId = await made(orders, 'postgres', settings);
    const { error } = await orders.worker.extdatamodule.testConnection({ connectionId });
    server.close();
    expect(error).toBe(
      'POSTGRES_PASSWORD_MISSING: Connecting to the server failed: the server asks for a password, and the connection has none.',
    );
  });

  test('to a folder whose ledger is no folder is refused with what is wrong, as a target of a run too', async () => {
    const orders = await makeOrders(suite, 'versioned');
    const { worker, groupId } = orders;
    mkdirSync(join(suite.folder, orders.groupId, orders.schema), { recursive: true });
    writeFileSync(join(suite.folder, orders.groupId, orders.schema, '.lethe'), '');
    const connectionId = await made(orders, 'file', { path: orders.schema });
    const { unwritableReasons } = await worker.extdatamodule.testConnection({ connectionId });
    expect(unwritableReasons).toEqual(['FILE_KIND: Looking at the folder failed: a file is where a folder should be.']);
    const document = ordersDocument(orders.sourceId, connectionId, 'versioned');
    const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: randomUUID(), document });
    const { task } = await worker.task.createTask({ groupId, displayName: randomUUID(), moduleId: dataModule?.id ?? '' });
    await worker.task.release({ taskId: task?.id ?? '' });
    const { errorInfo } = await endOf(orders, await startRun(worker, task?.id ?? ''));
    expect(errorInfo).toMatchObject({ reason: 'FILE_KIND', connectionId });
  });
});

describe('a run that was stopped', () => {
  test('is told as such, with the reason that was given', async () => {
    const orders = await makeOrders(suite, 'versioned');
    const runId = await preparedRun(orders.worker, orders.taskId);
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE, reason: 'the wrong month' });
    const told = await notificationOf(orders, runId, Kind.RUN_STOPPED);
    expect(told).toMatchObject({ taskId: orders.taskId, runId, cause: 'the wrong month', errorInfo: undefined });
  });
});

describe('an upload that is refused', () => {
  let orders: Orders;
  let runId: string;
  beforeAll(async () => {
    orders = await makeOrders(suite, 'versioned');
    runId = await preparedRun(orders.worker, orders.taskId);
    await query(suite, `create table ${orders.published}.orders as select 1 as number`);
  });

  test('is told by WatchRun, which goes on; the next confirmation clears the refusal, and the same watch sees the upload', async () => {
    const states: { state: RunState; isRefused: boolean }[] = [];
    let reason = '';
    let cleared: string | undefined;
    await confirmUpload(orders.worker, runId);
    for await (const { run } of orders.worker.task.watchRun({ runId })) {
      if (!run) continue;
      states.push({ state: run.state, isRefused: run.refusal !== '' });
      if (run.refusal === '' || cleared !== undefined) continue;
      reason = run.errorInfo?.reason ?? '';
      await query(suite, `drop table ${orders.published}.orders`);
      cleared = (await orders.worker.task.start({ target: { $case: 'runId', value: runId } })).run?.refusal;
    }
    expect(reason).toBe('TARGET_NAME_TAKEN');
    expect(cleared).toBe('');
    expect(states.at(-1)).toEqual({ state: RunState.UPLOADED, isRefused: false });
    // A state comes again where something else of the run has changed meanwhile.
    expect([...new Set(states.filter(({ isRefused }) => isRefused).map(({ state }) => state))]).toEqual([RunState.PREPARED]);
  });

  test('is told as such to the starter, each time anew, and the run is not said to be prepared again', async () => {
    const again = await preparedRun(orders.worker, orders.taskId);
    await query(suite, `drop view ${orders.published}.orders; create table ${orders.published}.orders as select 1 as number`);
    for (let confirmation = 1; confirmation <= 2; confirmation += 1) {
      await confirmUpload(orders.worker, again);
      const run = await refused(orders, again);
      const told = await until(async () => {
        const { notifications } = await orders.worker.user.listNotifications({});
        const ofRun = notifications.filter((found) => found.runId === again && found.kind === Kind.RUN_REFUSED);
        return ofRun.length === confirmation ? ofRun : undefined;
      });
      expect(told[0]).toMatchObject({ taskId: orders.taskId, cause: run.refusal, errorInfo: run.errorInfo });
    }
    const { notifications } = await orders.worker.user.listNotifications({});
    expect(notifications.filter((found) => found.runId === again && found.kind === Kind.RUN_PREPARED)).toHaveLength(1);
  });
});
