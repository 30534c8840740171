// What becomes of prepared data in the end, through the wire: rows, files, states, and what the log says of it.
import { Entry_State, type Entry } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { DataModuleVersion_State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, postgresAddress, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, startRun, uploadedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
const begin = async (settings: Record<string, string> = {}): Promise<void> => {
  suite = await startSuite({ settings });
  orders = await makeOrders(suite, 'versioned');
};
afterEach(() => disarmFailpoints());

const entriesOf = async (runId: string): Promise<Entry[]> => (await orders.worker.data.getAll({ runId })).entries;
const stateOf = async (runId: string): Promise<RunState | undefined> => (await orders.worker.task.getRun({ runId })).run?.state;

const reach = (runId: string, state: Entry_State): Promise<Entry[]> =>
  until(async () => {
    const entries = await entriesOf(runId);
    return entries.every((entry) => entry.state === state) ? entries : undefined;
  });

/** Whether DataManager has files of the run. */
const hasFiles = (runId: string): boolean => {
  const root = join(suite.folder, 'data');
  return existsSync(root) && readdirSync(root, { recursive: true, encoding: 'utf8' }).some((path) => path.includes(runId));
};
const filesGo = (runId: string): Promise<true> => until(async () => (hasFiles(runId) ? undefined : true));

const stop = async (runId: string, outbox: OutboxDecision): Promise<void> => {
  await orders.worker.task.stop({ runId, outbox });
  await until(async () => ((await stateOf(runId)) === RunState.STOPPED ? true : undefined));
};

/** What the driver throws where a connection of the service's own database ends. */
const connectionLost = (): Error => new Error('Connection terminated unexpectedly');

/** Ends the turn of the worker after its next commit, as a crash there does. */
const interruptAfterCommit = (): void =>
  armFailpoint('step.commit.after', () => {
    throw connectionLost();
  });

/** Waits until DataManager knows of the Stop. */
const stopIsKnown = async (runId: string): Promise<void> => {
  const { data } = suite.clients(await suite.serviceToken('task', { audience: 'data', groupId: orders.groupId, runId }));
  await until(async () => ((await data.getExecution({ runId })).execution?.desire === Desire.STOP ? true : undefined));
};

/** Stops a run whose upload is at a place, and ends the turn of the worker there. */
const stopUploadAt = async (place: string, runId: string, before = async (): Promise<unknown> => undefined): Promise<void> => {
  armFailpoint(place, async () => {
    await before();
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
    await stopIsKnown(runId);
    throw connectionLost();
  });
  await confirmUpload(orders.worker, runId);
  await until(async () => ((await stateOf(runId)) === RunState.STOPPED ? true : undefined));
};

/** Holds the upload of a prepared run at a place until the returned function is called. */
const holdUploadAt = async (place: string, runId: string): Promise<() => void> => {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  armFailpoint(place, () => {
    reached.resolve();
    return released.promise;
  });
  await confirmUpload(orders.worker, runId);
  await reached.promise;
  return () => released.resolve();
};

describe('a run that is stopped', () => {
  beforeAll(() => begin());
  afterAll(() => suite.close());

  test('with DELETE: entries are DELETED and the files go, where the worker was interrupted before it removed them too', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    expect(hasFiles(runId)).toBe(true);
    interruptAfterCommit();
    await stop(runId, OutboxDecision.DELETE);
    const [entry] = await reach(runId, Entry_State.DELETED);
    await expect(orders.worker.data.readRows({ entryId: entry?.id ?? '' })).rejects.toMatchObject({ reason: 'ROWS_GONE' });
    await filesGo(runId);
  });

  const keptRun = async (): Promise<string> => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await stop(runId, OutboxDecision.KEEP);
    await reach(runId, Entry_State.READY);
    return runId;
  };

  test('with KEEP: what was kept is deleted by another Stop, and then cannot be uploaded any more', async () => {
    const runId = await keptRun();
    await expect(orders.worker.task.stop({ runId })).rejects.toMatchObject({ reason: 'OUTBOX_DECISION_REQUIRED' });
    await stop(runId, OutboxDecision.DELETE);
    await reach(runId, Entry_State.DELETED);
    await filesGo(runId);
    await until(async () => ((await orders.worker.task.getRun({ runId })).run?.reconciling ? undefined : true));
    await expect(confirmUpload(orders.worker, runId)).rejects.toMatchObject({ reason: 'RUN_STATE' });
    await expect(orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE })).rejects.toMatchObject({ reason: 'RUN_STATE' });
  });

  test('without a decision, while its rows come into the Outbox: they go with it, as nobody decided to keep them', async () => {
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    armFailpoint('stage.file.rename.after', () => {
      reached.resolve();
      return released.promise;
    });
    const runId = await startRun(orders.worker, orders.taskId);
    await reached.promise;
    await orders.worker.task.stop({ runId });
    await stopIsKnown(runId);
    released.resolve();
    await until(async () => ((await stateOf(runId)) === RunState.STOPPED ? true : undefined));
    expect((await entriesOf(runId)).every(({ state }) => state === Entry_State.DELETED)).toBe(true);
    await filesGo(runId);
  });

  test('in the middle of its upload, with KEEP: entries are READY again, nothing is at the target, and the next run is published', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await stopUploadAt('upload.intent.after', runId);
    await reach(runId, Entry_State.READY);
    const tables = await query(suite, `select relname from pg_class where relnamespace = '${orders.published}'::regnamespace`);
    expect(tables).toEqual([]);
    await uploadedRun(orders.worker, orders.taskId);
    const { moduleId } = orders;
    const { versions } = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId, showAll: true });
    expect(versions.filter(({ state }) => state === DataModuleVersion_State.RESERVED)).toEqual([]);
  });

  test('in the middle of an upload that took longer than the retention, with KEEP: the rows are kept for a day from then on', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await stopUploadAt('upload.intent.after', runId, () =>
      query(
        suite,
        `update lethe_data.executions set expire_time = now() - interval '1 day' where run_id = '${runId}';
         update lethe_data.entries set expire_time = now() - interval '1 day' where run_id = '${runId}'`,
      ),
    );
    const [entry] = await reach(runId, Entry_State.READY);
    expect((entry?.expireTime?.getTime() ?? 0) - Date.now()).toBeGreaterThan(23 * 3_600_000);
  });

  test('with KEEP: what was kept can be read, edited and uploaded, and the watch of the run goes on until that is done', async () => {
    const runId = await keptRun();
    const entry = (await entriesOf(runId)).find(({ table }) => table === 'orders');
    const entryId = entry?.id ?? '';
    const { rows, etag } = await orders.worker.data.readRows({ entryId });
    await orders.worker.data.modifie({ entryId, etag, edits: [{ edit: { $case: 'deleteRowId', value: rows[0]?.rowId ?? '' } }] });
    await confirmUpload(orders.worker, runId);
    const run = await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect(run.endTime?.getTime()).toBeGreaterThan(run.prepareTime?.getTime() ?? Number.POSITIVE_INFINITY);
    const [published] = await query(suite, `select count(*)::int as count from ${orders.published}.${entry?.table}`);
    expect(published).toEqual({ count: Number(entry?.rowCount) - 1 });
  });
});

describe('a Stop while the target is away', () => {
  beforeAll(() => begin());
  afterAll(() => suite.close());

  const moveTarget = async (change: Record<string, unknown>): Promise<void> => {
    const { connection } = await orders.worker.extdatamodule.getConnection({ connectionId: orders.targetId });
    if (!connection) throw new Error('the target has no connection');
    const settings = { ...connection.settings, ...change };
    // A connection that leads elsewhere loses its secret unless that is sent again.
    const { secret } = postgresAddress(suite, orders.published);
    const update = { connectionId: orders.targetId, connection: { ...connection, settings }, updateMask: ['settings', 'secret'] };
    await orders.worker.extdatamodule.updateConnection({ ...update, secret, etag: '*' });
  };

  test('waits until the target can say whether it has the rows, and says so', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await moveTarget({ port: 1 });
    await confirmUpload(orders.worker, runId);
    const waits = (desire: Desire): Promise<true> =>
      until(async () => {
        const { run } = await orders.worker.task.getRun({ runId });
        return run?.state === RunState.UPLOADING && run.desire === desire && run.waitingFor !== '' ? true : undefined;
      });
    await waits(Desire.UPLOAD);
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
    await waits(Desire.STOP);
    await moveTarget({ port: Number(new URL(suite.databaseUrl).port) });
    await until(async () => ((await stateOf(runId)) === RunState.STOPPED ? true : undefined));
    await reach(runId, Entry_State.READY);
    await uploadedRun(orders.worker, orders.taskId);
  });
});

describe('a Stop that comes once the target has the rows', () => {
  beforeAll(() => begin());
  afterAll(() => suite.close());

  test.each(['upload.target.commit.after', 'version.bump.before'])('at %s: the run ends UPLOADED, with its version', async (place) => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const release = await holdUploadAt(place, runId);
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
    release();
    const run = await waitFor(orders.worker, runId, RunState.UPLOADED);
    await reach(runId, Entry_State.UPLOADED);
    const { version } = await orders.worker.extdatamodule.getDataModuleVersion({
      moduleId: orders.moduleId,
      version: run.publishedVersion,
    });
    expect(version).toMatchObject({ state: DataModuleVersion_State.PUBLISHED, runId });
  });
});

describe('when the retention has passed', () => {
  const RETENTION_MS = 8_000;
  beforeAll(() => begin({ LETHE_RETENTION_MS: String(RETENTION_MS), LETHE_TEST_RETENTION: '1' }));
  afterAll(() => suite.close());

  const records = async (runId: string, action: string): Promise<number> => {
    const { auditLogs } = await suite.admin.audit.listAuditLogs({ runId, pageSize: 500 });
    return auditLogs.filter(({ record }) => record?.action === `system/${action}`).length;
  };

  test('a run that nobody decided on is EXPIRED, not before its time, and its files go where the worker was interrupted too', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const { run } = await orders.worker.task.getRun({ runId });
    const expireMs = run?.expireTime?.getTime() ?? 0;
    expect(expireMs - (run?.prepareTime?.getTime() ?? 0)).toBeGreaterThanOrEqual(RETENTION_MS - 1_000);
    interruptAfterCommit();
    await reach(runId, Entry_State.EXPIRED);
    expect(Date.now()).toBeGreaterThanOrEqual(expireMs);
    await until(async () => ((await stateOf(runId)) === RunState.EXPIRED ? true : undefined));
    await filesGo(runId);
    await until(async () => ((await records(runId, 'expire')) > 0 ? true : undefined));
  });

  test('entries that Stop kept go, the run stays STOPPED, and the log has it once', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await stop(runId, OutboxDecision.KEEP);
    const [entry] = await reach(runId, Entry_State.EXPIRED);
    await expect(orders.worker.data.readRows({ entryId: entry?.id ?? '' })).rejects.toMatchObject({ reason: 'ROWS_GONE' });
    expect(await stateOf(runId)).toBe(RunState.STOPPED);
    await filesGo(runId);
    await until(async () => ((await records(runId, 'expire-entries')) > 0 ? true : undefined));
    expect(await records(runId, 'expire-entries')).toBe(1);
  });

  test('entries of an upload that was stopped go as well', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await stopUploadAt('upload.intent.before', runId);
    await reach(runId, Entry_State.EXPIRED);
    await filesGo(runId);
  });

  test('entries of a published run go, and what was published stays', async () => {
    const runId = await uploadedRun(orders.worker, orders.taskId);
    await reach(runId, Entry_State.EXPIRED);
    await filesGo(runId);
    expect(await waitFor(orders.worker, runId, RunState.UPLOADED)).toMatchObject({ publishedVersion: '1.0.0' });
    expect(await query(suite, `select count(*)::int as count from ${orders.published}.orders`)).toEqual([{ count: 30 }]);
  });
});
