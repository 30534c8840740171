// Prepared data whose time passes while somebody reads it, or has just confirmed its upload.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';

// Confirmations may arrive for a tenth of it longer.
const RETENTION_MS = 3_600_000;

let suite: Suite;
let orders: Orders;
let other: Orders;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_RETENTION_MS: String(RETENTION_MS), LETHE_MAX_RUNS: '1' } });
  orders = await makeOrders(suite, 'versioned');
  other = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());
afterEach(() => disarmFailpoints());

/** Lets the time of a run have passed so many minutes ago. */
const letPass = async (runId: string, minutes: number): Promise<void> => {
  const passed = `expire_time = now() - interval '${minutes} minutes'`;
  await query(
    suite,
    `update lethe_data.executions set ${passed}, revision = revision + 1 where run_id = '${runId}';
     update lethe_data.entries set ${passed} where run_id = '${runId}'`,
  );
};

const execution = async (runId: string): Promise<{ state: RunState; desire: Desire } | undefined> =>
  (await query<{ state: RunState; desire: Desire }>(suite, `select state, desire from lethe_data.executions where run_id = '${runId}'`))[0];

const stopWith = async ({ worker }: Orders, runId: string): Promise<void> => {
  await worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
  await until(async () => ((await execution(runId))?.state === RunState.STOPPED ? true : undefined));
};

/** Waits until the retention has looked at every run: one that is due goes meanwhile. */
const retentionLooks = async (due: string): Promise<void> => {
  await letPass(due, 30);
  await until(async () => ((await execution(due))?.state === RunState.EXPIRED ? true : undefined));
};

/** Holds whoever comes to a place, until the returned function is called. */
const hold = (place: string): { reached: Promise<void>; release: () => void } => {
  const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  armFailpoint(place, () => {
    reached.resolve();
    return released.promise;
  });
  return { reached: reached.promise, release: () => released.resolve() };
};

/** Keeps DataManager from taking in what EtlTaskManager sends. */
const withoutInbox = async (work: () => Promise<void>): Promise<void> => {
  const client = new Client({ connectionString: suite.databaseUrl });
  await client.connect();
  try {
    await client.query(`select pg_advisory_lock(hashtext('lethe_data.inbox.task'))`);
    await work();
  } finally {
    await client.end();
  }
};

const filesGo = (runId: string): Promise<true> =>
  until(async () => {
    const root = join(suite.folder, 'data', 'outbox');
    return existsSync(root) && readdirSync(root).includes(runId) ? undefined : true;
  });

describe('rows that are deleted while somebody reads them', () => {
  test.each(['entry.open.before', 'entry.open.after'])('are gone, at %s, which is no defect', async (place) => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const { entries } = await orders.worker.data.getAll({ runId });
    const reader = hold(place);
    const reading = orders.worker.data.readRows({ entryId: entries[0]?.id ?? '' });
    const outcome = reading.catch((error: unknown) => error);
    await reader.reached;
    await stopWith(orders, runId);
    await filesGo(runId);
    reader.release();
    expect(await outcome).toMatchObject({ reason: 'ROWS_GONE' });
  });
});

describe('a confirmation', () => {
  test('that was taken in before the time had passed is on its way: the data is kept, and uploaded', async () => {
    const [runId, due] = [await preparedRun(orders.worker, orders.taskId), await preparedRun(other.worker, other.taskId)];
    await withoutInbox(async () => {
      await confirmUpload(orders.worker, runId);
      await letPass(runId, 1);
      await retentionLooks(due);
      expect(await execution(runId)).toEqual({ state: RunState.PREPARED, desire: Desire.RUN });
    });
    await waitFor(orders.worker, runId, RunState.UPLOADED);
  });

  test('that has arrived and waits for a worker keeps the data, however long', async () => {
    const [runId, due] = [await preparedRun(orders.worker, orders.taskId), await preparedRun(other.worker, other.taskId)];
    const busy = await makeOrders(suite, 'versioned');
    const worker = hold('stage.EXTRACTING.before');
    const blocking = await startRun(busy.worker, busy.taskId);
    await worker.reached;
    await confirmUpload(orders.worker, runId);
    await until(async () => ((await execution(runId))?.desire === Desire.UPLOAD ? true : undefined));
    await letPass(runId, 60);
    await retentionLooks(due);
    expect((await execution(runId))?.state).toBe(RunState.PREPARED);
    worker.release();
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    await waitFor(busy.worker, blocking, RunState.PREPARED);
  });

  test('that comes after the time has passed is refused', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    await letPass(runId, 1);
    await expect(confirmUpload(orders.worker, runId)).rejects.toMatchObject({ reason: 'RUN_STATE', metadata: { state: 'EXPIRED' } });
    const { entries } = await orders.worker.data.getAll({ runId });
    expect(entries.map(({ state }) => state)).toEqual([Entry_State.READY, Entry_State.READY]);
    await stopWith(orders, runId);
  });
});
