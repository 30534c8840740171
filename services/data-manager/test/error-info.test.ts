// A run that cannot go on, through the wire: what its view, its audit record and its notifications say of the failure.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Notification_Kind as Kind, type Notification } from '@lethe/contracts/gen/lethe/user/v1/access';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { isTerminal } from '@lethe/contracts/run-state';
import { makeOrders, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
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
    expect(task?.revision).toMatchObject({ releasedBy: user?.id, releasedByName: user?.displayName });
    const other = await makeOrders(suite, 'versioned');
    const prepared = await waitFor(other.worker, await startRun(other.worker, other.taskId), RunState.PREPARED);
    expect(prepared.tables.flatMap(({ read }) => read.map(({ sourceName }) => sourceName))).toEqual(
      Array.from({ length: 2 }, () => `postgres ${other.schema}`),
    );
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
    expect(states.filter(({ isRefused }) => isRefused)).toEqual([{ state: RunState.PREPARED, isRefused: true }]);
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
