// The sessions of a run at a postgres source: what they see, and how they end.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { makeOrders, ordersDocument, query, type Orders } from '@lethe/testkit/orders';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());

/** Starts a run in which the customers are read from a view. */
const runWithCustomersFrom = async (view: string): Promise<string> => {
  const { worker, groupId, sourceId, targetId } = orders;
  const document = ordersDocument(sourceId, targetId, 'versioned');
  document['protocol'] = ['customers', 'orders'].map((table) => ({
    table,
    rank: 1,
    connection: sourceId,
    tableRead: { table: table === 'customers' ? view : table },
  }));
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: view, document });
  const { task } = await worker.task.createTask({ groupId, displayName: view, moduleId: dataModule?.id ?? '' });
  await worker.task.release({ taskId: task?.id ?? '' });
  return startRun(worker, task?.id ?? '');
};

/** The statements of runs that read a view at the moment. */
const reading = (view: string): Promise<{ wait: string }[]> =>
  query<{ wait: string }>(
    suite,
    `select coalesce(wait_event_type, '') as wait from pg_stat_activity where application_name = 'lethe' and state = 'active' and query like 'copy%${view}%'`,
  );

const LOCK = 7_700;

test('the tables of one connection are read from one state of it: of a pair that is written meanwhile, neither is there', async () => {
  const { schema, worker } = orders;
  await query(
    suite,
    `create view ${schema}.held_customers as select * from ${schema}.customers where pg_advisory_xact_lock_shared(${LOCK})::text is not null`,
  );
  const writer = new Client({ connectionString: suite.databaseUrl });
  await writer.connect();
  try {
    await writer.query(`select pg_advisory_lock(${LOCK})`);
    const runId = await runWithCustomersFrom('held_customers');
    await until(async () => ((await reading('held_customers'))[0]?.wait === 'Lock' ? true : undefined));
    await writer.query(`insert into ${schema}.customers values (11, 'Turin'); insert into ${schema}.orders values (31, 11, 7)`);
    await writer.query(`select pg_advisory_unlock(${LOCK})`);
    const { tables } = await waitFor(worker, runId, RunState.PREPARED);
    const found = tables.map(({ table, read, dropped }) => [table, read.map(({ rowCount }) => Number(rowCount)), dropped]);
    expect(found).toEqual([
      ['customers', [10], []],
      ['orders', [30], []],
    ]);
  } finally {
    await writer.end();
  }
});

test('a Stop ends the statement at the source at once', async () => {
  const { schema, worker } = orders;
  await query(suite, `create view ${schema}.slow_customers as select * from ${schema}.customers where pg_sleep(60)::text is not null`);
  const runId = await runWithCustomersFrom('slow_customers');
  await until(async () => ((await reading('slow_customers')).length > 0 ? true : undefined));
  const startMs = performance.now();
  await worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
  await until(async () => ((await reading('slow_customers')).length === 0 ? true : undefined));
  expect(performance.now() - startMs).toBeLessThan(5_000);
  await until(async () => ((await worker.task.getRun({ runId })).run?.state === RunState.STOPPED ? true : undefined));
});

test('a statement at the source ends there after the time of a source, whatever becomes of us', async () => {
  const { schema, worker } = orders;
  // The time of a source, 6 hours, and 5 seconds, in which we end it ourselves.
  await query(
    suite,
    `create view ${schema}.limited_customers as select * from ${schema}.customers where current_setting('statement_timeout') = '21605s'`,
  );
  const [{ customers } = { customers: '' }] = await query<{ customers: string }>(
    suite,
    `select count(*) as customers from ${schema}.customers`,
  );
  const { tables } = await waitFor(worker, await runWithCustomersFrom('limited_customers'), RunState.PREPARED);
  expect(tables.find(({ table }) => table === 'customers')?.read).toMatchObject([{ rowCount: BigInt(customers) }]);
});
