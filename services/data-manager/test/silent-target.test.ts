// Uploads to a target that is slow, or that says nothing any more.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, postgresAddress, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { SILENCE_LIMITS } from '../src/connectors/postgres/alive.ts';
import { PROBE_LIMITS } from '../src/upload/withdraw.ts';
import { openTargetProxy, type TargetProxy } from './support/target-proxy.ts';

let suite: Suite;
let orders: Orders;
let proxy: TargetProxy;
beforeAll(async () => {
  suite = await startSuite();
  proxy = await openTargetProxy(Number(new URL(suite.databaseUrl).port));
});
afterAll(async () => {
  proxy.close();
  await suite.close();
});
afterEach(() => {
  disarmFailpoints();
  Object.assign(proxy, { delayMs: 0, isSilent: false });
  SILENCE_LIMITS.askAfterMs = 60_000;
  PROBE_LIMITS.timeoutMs = 20_000;
});
beforeEach(async () => {
  orders = await makeOrders(suite, 'versioned');
  const { settings, secret } = postgresAddress(suite, orders.published);
  const connection = { settings: { ...settings, host: '127.0.0.1', port: proxy.port } };
  const update = { connectionId: orders.targetId, connection, secret, updateMask: ['settings', 'secret'] };
  await orders.worker.extdatamodule.updateConnection({ ...update, etag: '*' });
});

const runOf = async (runId: string) => (await orders.worker.task.getRun({ runId })).run;

/** Stops a run at a place of its upload, and ends the turn of the worker there. */
const stopAt = async (place: string, runId: string, and: () => void): Promise<void> => {
  armFailpoint(place, async () => {
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.KEEP });
    const { data } = suite.clients(await suite.serviceToken('task', { audience: 'data', groupId: orders.groupId, runId }));
    await until(async () => ((await data.getExecution({ runId })).execution?.desire === Desire.STOP ? true : undefined));
    and();
    throw new Error('Connection terminated unexpectedly');
  });
  await confirmUpload(orders.worker, runId);
};

test('a Stop of an upload is carried out in one turn, however long its target takes to say what it has', async () => {
  const runId = await preparedRun(orders.worker, orders.taskId);
  await stopAt('upload.intent.after', runId, () => void (proxy.delayMs = 50));
  await until(async () => ((await runOf(runId))?.state === RunState.STOPPED ? true : undefined), 30_000);
  // One that prepared, one that uploaded, one that stopped.
  expect(await query(suite, `select epoch::int as epoch from lethe_data.executions where run_id = '${runId}'`)).toEqual([{ epoch: 3 }]);
});

test('a Stop of an upload whose target says nothing leaves it to a person, and says so', async () => {
  PROBE_LIMITS.timeoutMs = 2_000;
  const runId = await preparedRun(orders.worker, orders.taskId);
  await stopAt('upload.target.begin.before', runId, () => void (proxy.isSilent = true));
  const run = await until(async () => {
    const found = await runOf(runId);
    return found?.state === RunState.UPLOAD_UNKNOWN ? found : undefined;
  }, 40_000);
  expect(run.waitingFor).toBe(
    `Connection postgres ${orders.published}: Looking the upload up at the target failed: the target said nothing for 2 seconds.`,
  );
  proxy.isSilent = false;
  await orders.worker.task.resume({ runId });
  await waitFor(orders.worker, runId, RunState.UPLOADED);
});

test.each(['upload.target.begin.before', 'upload.target.commit.before'])(
  'a target that says nothing any more, from %s on, is told with the name of its connection, and the upload ends when it speaks again',
  async (place) => {
    SILENCE_LIMITS.askAfterMs = 1_000;
    const runId = await preparedRun(orders.worker, orders.taskId);
    armFailpoint(place, () => void (proxy.isSilent = true));
    await confirmUpload(orders.worker, runId);
    await expect
      .poll(async () => (await runOf(runId))?.waitingFor, { timeout: 40_000 })
      .toBe(`Connection postgres ${orders.published}: Publishing failed: the target said nothing for 1 seconds.`);
    proxy.isSilent = false;
    await waitFor(orders.worker, runId, RunState.UPLOADED);
  },
  120_000,
);

test('a target that works on a statement for long is waited for', async () => {
  SILENCE_LIMITS.askAfterMs = 300;
  const runId = await preparedRun(orders.worker, orders.taskId);
  await query(
    suite,
    `create function ${orders.published}.slow() returns event_trigger language plpgsql as $$ begin if tg_tag = 'CREATE VIEW' then perform pg_sleep(2); end if; end $$;
     create event trigger ${orders.published} on ddl_command_start execute function ${orders.published}.slow()`,
  );
  try {
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect(await query(suite, `select epoch::int as epoch from lethe_data.executions where run_id = '${runId}'`)).toEqual([{ epoch: 2 }]);
  } finally {
    await query(suite, `drop event trigger ${orders.published}`);
  }
});
