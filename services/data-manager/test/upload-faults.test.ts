// What is given up, and what is not, when an upload fails: nothing once a target may have the rows.
import { RunState, UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, makePostgresConnection, ordersDocument, postgresAddress, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { setTimeout as sleep } from 'node:timers/promises';
import { stageError } from '../src/domain/run-error.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());
afterEach(() => disarmFailpoints());
beforeEach(async () => {
  orders = await makeOrders(suite, 'versioned');
});

const states = async (): Promise<State[]> => {
  const { versions } = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId: orders.moduleId, showAll: true });
  return versions.map(({ state }) => state);
};

const runOf = async (runId: string) => (await orders.worker.task.getRun({ runId })).run;

const changeUser = async (connectionId: string, user: string | undefined): Promise<void> => {
  const { connection } = await orders.worker.extdatamodule.getConnection({ connectionId });
  if (!connection) throw new Error('there is no connection');
  const address = postgresAddress(suite, orders.published);
  const settings = { ...address.settings, ...(user === undefined ? {} : { user }) };
  await orders.worker.extdatamodule.updateConnection({
    connectionId,
    connection: { ...connection, settings },
    secret: address.secret,
    updateMask: ['settings', 'secret'],
    etag: '*',
  });
};

test('a target that refuses the rows before anything is published leaves no reserved version', async () => {
  const runId = await preparedRun(orders.worker, orders.taskId);
  armFailpoint('upload.intent.before', () => {
    throw stageError('TARGET_DIFFERS', { table: 'orders', found: 1, count: 2 });
  });
  await confirmUpload(orders.worker, runId);
  await expect.poll(async () => (await runOf(runId))?.refusal, { timeout: 20_000 }).toContain('holds other rows');
  expect(await states()).toEqual([]);
});

test('a worker that dies with a reservation in its hand leaves one that the next upload takes over', async () => {
  const runId = await preparedRun(orders.worker, orders.taskId);
  armFailpoint('upload.intent.after', () => {
    throw stageError('TARGET_DIFFERS', { table: 'orders', found: 1, count: 2 });
  });
  await confirmUpload(orders.worker, runId);
  await expect.poll(async () => (await runOf(runId))?.refusal, { timeout: 20_000 }).toContain('holds other rows');
  expect(await states()).toEqual([State.ABANDONED]);
  await confirmUpload(orders.worker, runId);
  await waitFor(orders.worker, runId, RunState.UPLOADED);
});

test('after the COMMIT of the target, a role that it refuses gives nothing up: the upload waits, says why, and ends when it may', async () => {
  const runId = await preparedRun(orders.worker, orders.taskId);
  armFailpoint('upload.target.commit.after', async () => {
    await changeUser(orders.targetId, 'nobody_of_this_name');
    throw stageError('ENGINE_DIED');
  });
  await confirmUpload(orders.worker, runId);
  await expect.poll(async () => (await runOf(runId))?.waitingFor, { timeout: 20_000 }).toContain('refuses the role');
  expect(await runOf(runId)).toMatchObject({ state: RunState.UPLOADING, refusal: '' });
  expect(await states()).toEqual([State.RESERVED]);
  await changeUser(orders.targetId, undefined);
  expect(await waitFor(orders.worker, runId, RunState.UPLOADED)).toMatchObject({ publishedVersion: '1.0.0' });
  expect(await states()).toEqual([State.PUBLISHED]);
  expect(await query(suite, `select count(*)::int as count from lethe_upload.ledger where run_id = '${runId}'`)).toEqual([{ count: 1 }]);
});

/** A prepared run whose second table goes to another connection than the first. */
const preparedForTwo = async (): Promise<{ runId: string; secondId: string }> => {
  const { worker, groupId, schema, sourceId, targetId, moduleId, taskId } = orders;
  await query(suite, `create schema ${schema}_second`);
  const secondId = await makePostgresConnection(suite, worker, groupId, `${schema}_second`);
  const document = ordersDocument(sourceId, targetId, 'versioned');
  const [first, second] = document['upload'] as Record<string, unknown>[];
  document['upload'] = [first, { ...second, connection: secondId }];
  const { dataModule } = await worker.extdatamodule.getDataModule({ moduleId });
  if (!dataModule) throw new Error('there is no module');
  await worker.extdatamodule.updateDataModule({ moduleId, dataModule: { ...dataModule, document }, updateMask: ['document'], etag: '*' });
  await worker.task.release({ taskId });
  return { runId: await preparedRun(worker, taskId), secondId };
};

test('of two targets the second refuses after the first has published: nothing is given up, and the upload ends when it may', async () => {
  const { worker, schema } = orders;
  const { runId } = await preparedForTwo();
  armFailpoint(
    'upload.target.begin.before',
    () => {
      throw Object.assign(new Error('denied'), { code: '42501' });
    },
    2,
  );
  await confirmUpload(worker, runId);
  await expect.poll(async () => (await runOf(runId))?.waitingFor, { timeout: 20_000 }).toContain('lacks a right');
  expect(await states()).toEqual([State.RESERVED]);
  await waitFor(worker, runId, RunState.UPLOADED);
  expect(await states()).toEqual([State.PUBLISHED]);
  expect(await query(suite, `select count(*)::int as count from ${schema}_second.orders`)).toEqual([{ count: 30 }]);
});

describe('an upload of which a target does not say whether it has the rows', () => {
  /** Confirms an upload; at the failpoint the target begins to refuse the connection's role. */
  const refuseFrom = async (name: string): Promise<string> => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    armFailpoint(name, async () => {
      await changeUser(orders.targetId, 'nobody_of_this_name');
      throw stageError('ENGINE_DIED');
    });
    await confirmUpload(orders.worker, runId);
    await expect.poll(async () => (await runOf(runId))?.waitingFor, { timeout: 20_000 }).toContain('refuses the role');
    return runId;
  };
  const stop = (runId: string) => orders.worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
  const resolve = (runId: string, outcome: UploadOutcome) => orders.worker.task.resolveUpload({ runId, outcome });

  test('is left to a person after some tries, and ends UPLOADED where that one says that it was taken', async () => {
    const runId = await refuseFrom('upload.target.commit.after');
    await query(suite, `update lethe_data.executions set attempt = 5, next_attempt_time = now() where run_id = '${runId}'`);
    await waitFor(orders.worker, runId, RunState.UPLOAD_UNKNOWN);
    const notices = async () => (await orders.worker.user.listNotifications({})).notifications.filter((notice) => notice.runId === runId);
    await expect.poll(notices, { timeout: 20_000 }).toContainEqual(expect.objectContaining({ kind: Notification_Kind.RUN_UPLOAD_UNKNOWN }));
    expect(await states()).toEqual([State.RESERVED]);
    await expect(stop(runId)).rejects.toMatchObject({ reason: 'RUN_STATE' });
    await resolve(runId, UploadOutcome.TAKEN);
    expect(await waitFor(orders.worker, runId, RunState.UPLOADED)).toMatchObject({ publishedVersion: '1.0.0' });
    expect(await states()).toEqual([State.PUBLISHED]);
    expect(await query(suite, `select count(*)::int as count from lethe_upload.ledger where run_id = '${runId}'`)).toEqual([{ count: 1 }]);
  });

  test('is left to a person by Stop at once, and is prepared again where that one says that it was not taken', async () => {
    const runId = await refuseFrom('upload.target.begin.before');
    await stop(runId);
    await waitFor(orders.worker, runId, RunState.UPLOAD_UNKNOWN);
    await resolve(runId, UploadOutcome.NOT_TAKEN);
    const prepared = await waitFor(orders.worker, runId, RunState.PREPARED);
    expect(prepared.refusal).toContain('do not have its rows');
    expect(await states()).toEqual([State.ABANDONED]);
    await changeUser(orders.targetId, undefined);
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
  });

  /** The time passes for which the rows of a run are kept. */
  const outlive = (runId: string) =>
    query(
      suite,
      `update lethe_data.executions set expire_time = now() - interval '1 day' where run_id = '${runId}';
       update lethe_data.entries set expire_time = now() - interval '1 day' where run_id = '${runId}'`,
    );

  test('outlives the retention of its rows, and they are kept for a day from the decision on that they were not taken', async () => {
    const runId = await refuseFrom('upload.target.begin.before');
    await stop(runId);
    await waitFor(orders.worker, runId, RunState.UPLOAD_UNKNOWN);
    await outlive(runId);
    await resolve(runId, UploadOutcome.NOT_TAKEN);
    await waitFor(orders.worker, runId, RunState.PREPARED);
    const expireMs = (await runOf(runId))?.expireTime?.getTime() ?? 0;
    expect(expireMs - Date.now()).toBeGreaterThan(23 * 3_600_000);
    const { entries } = await orders.worker.data.getAll({ runId });
    expect(entries.map((entry) => entry.expireTime?.getTime())).toEqual(entries.map(() => expireMs));
    // Retention looks each second.
    await sleep(2_500);
    expect(await runOf(runId)).toMatchObject({ state: RunState.PREPARED });
    await changeUser(orders.targetId, undefined);
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
  });

  test('is not given up where the target can say by then that it has the rows; asking it again ends the upload', async () => {
    const runId = await refuseFrom('upload.target.commit.after');
    await stop(runId);
    await waitFor(orders.worker, runId, RunState.UPLOAD_UNKNOWN);
    await changeUser(orders.targetId, undefined);
    await resolve(runId, UploadOutcome.NOT_TAKEN);
    await expect.poll(async () => (await runOf(runId))?.waitingFor, { timeout: 20_000 }).toContain('says that it has the rows');
    expect(await runOf(runId)).toMatchObject({ state: RunState.UPLOAD_UNKNOWN });
    await orders.worker.task.resume({ runId });
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect(await states()).toEqual([State.PUBLISHED]);
  });

  test('is given up without a right to the stores that feed it, and its rows are told where they turn up after all', async () => {
    const runId = await refuseFrom('upload.target.commit.after');
    await stop(runId);
    await waitFor(orders.worker, runId, RunState.UPLOAD_UNKNOWN);
    const demand = (requirePrivacy: boolean) =>
      orders.worker.extdatamodule.updateConnection({
        connectionId: orders.sourceId,
        connection: { requirePrivacy },
        updateMask: ['require_privacy'],
        etag: '*',
      });
    await demand(true);
    await expect(resolve(runId, UploadOutcome.TAKEN)).rejects.toMatchObject({ reason: 'PRIVACY_REQUIRED' });
    await resolve(runId, UploadOutcome.NOT_TAKEN);
    await waitFor(orders.worker, runId, RunState.PREPARED);
    await demand(false);
    await changeUser(orders.targetId, undefined);
    await confirmUpload(orders.worker, runId);
    await expect
      .poll(async () => (await runOf(runId))?.refusal, { timeout: 20_000 })
      .toContain('rows of an earlier upload as version 1.0.0');
    // Other runs of the module are told the same, not that the name is somebody else's.
    const otherId = await preparedRun(orders.worker, orders.taskId);
    await confirmUpload(orders.worker, otherId);
    await expect.poll(async () => (await runOf(otherId))?.errorInfo?.reason, { timeout: 20_000 }).toBe('UPLOAD_LEFT_ROWS');
  });
});

test('of two targets the second is away for good after the first has published: Stop leaves the upload to a person', async () => {
  const { worker, schema } = orders;
  const { runId, secondId } = await preparedForTwo();
  armFailpoint('upload.target.commit.after', async () => {
    const { settings, secret } = postgresAddress(suite, `${schema}_second`);
    await worker.extdatamodule.updateConnection({
      connectionId: secondId,
      connection: { settings: { ...settings, port: 1 } },
      secret,
      updateMask: ['settings', 'secret'],
      etag: '*',
    });
    throw stageError('ENGINE_DIED');
  });
  await confirmUpload(worker, runId);
  await expect.poll(async () => (await runOf(runId))?.attempt, { timeout: 20_000 }).toBeGreaterThan(1);
  await worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
  await waitFor(worker, runId, RunState.UPLOAD_UNKNOWN);
  await worker.task.resolveUpload({ runId, outcome: UploadOutcome.TAKEN });
  await waitFor(worker, runId, RunState.UPLOADED);
});
