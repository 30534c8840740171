// A process whose clock is a day off: what is decided by time is decided by the clock of the database.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { makeOrders, query, type Orders } from '@lethe/testkit/orders';
import { preparedRun, uploadedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';

const DAY_MS = 86_400_000;

let suite: Suite;
let orders: Orders;
let other: Orders;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_RETENTION_MS: '3600000' } });
  orders = await makeOrders(suite, 'versioned');
  other = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());
afterEach(() => vi.useRealTimers());

const stateOf = async ({ worker }: Orders, runId: string): Promise<RunState | undefined> =>
  (await worker.task.getRun({ runId })).run?.state;

describe.each([
  ['ahead', DAY_MS],
  ['behind', -DAY_MS],
])('with a clock a day %s', (_, skewMs) => {
  test('no prepared data is deleted but that whose time has passed, and no token has ended', async () => {
    const { secret } = await orders.worker.user.createToken({
      displayName: 'skewed',
      scopes: ['user.read'],
      ttl: { seconds: 3_600n, nanos: 0 },
    });
    const [kept, due] = [await preparedRun(orders.worker, orders.taskId), await preparedRun(other.worker, other.taskId)];
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs });
    for (const table of ['executions', 'entries'])
      await query(suite, `update lethe_data.${table} set expire_time = now() - interval '30 minutes' where run_id = '${due}'`);
    await until(async () => ((await stateOf(other, due)) === RunState.EXPIRED ? true : undefined));
    const { entries } = await orders.worker.data.getAll({ runId: kept });
    expect(entries.map(({ state }) => state)).toEqual([Entry_State.READY, Entry_State.READY]);
    expect((await suite.clients(secret).user.getUser({})).user?.id).toBe(orders.worker.id);
    await orders.worker.task.stop({ runId: kept, outbox: OutboxDecision.DELETE });
    await until(async () => ((await stateOf(orders, kept)) === RunState.STOPPED ? true : undefined));
  });

  test('a run goes through, and no event is set aside', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + skewMs });
    const runId = await uploadedRun(orders.worker, orders.taskId);
    const rows = await query<{ count: number }>(
      suite,
      `select count(*)::int as count from lethe_data.entries where run_id = '${runId}' and abs(extract(epoch from expire_time - now()) - 3600) > 300`,
    );
    expect(rows).toEqual([{ count: 0 }]);
    for (const schema of ['user', 'audit', 'script', 'extdatamodule', 'task', 'data'])
      expect(await query(suite, `select subject, reason from lethe_${schema}.dead_letter`)).toEqual([]);
  });
});
