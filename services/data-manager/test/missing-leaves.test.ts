// Values that a hierarchy does not have: counted for everybody, shown to who may read rows.
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { makeOrders, ordersDocument, query, type Orders } from '@lethe/testkit/orders';
import { preparedRun, startRun } from '@lethe/testkit/runs';
import { startSuite, type Clients, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, expect, test } from 'vitest';

const RETENTION_MS = 3_600_000;

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_RETENTION_MS: String(RETENTION_MS) } });
  orders = await makeOrders(suite, 'versioned');
  await query(suite, `update ${orders.schema}.customers set city = case when id < 4 then 'Arles' when id = 4 then 'Lyon' else city end`);
});
afterAll(() => suite.close());

/** A released task whose hierarchy lacks two cities. */
const taskWith = async (missingLeaf: string): Promise<string> => {
  const { worker, groupId, sourceId, targetId } = orders;
  const document = ordersDocument(sourceId, targetId, 'versioned');
  const { steps } = document['anonymization'] as { steps: { generalize: { generalized: Record<string, unknown>[] } }[] };
  Object.assign(steps[0]?.generalize.generalized[0] ?? {}, { missingLeaf });
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: missingLeaf, document });
  const { task } = await worker.task.createTask({ groupId, displayName: missingLeaf, moduleId: dataModule?.id ?? '' });
  await worker.task.release({ taskId: task?.id ?? '' });
  return task?.id ?? '';
};

const shown = async (clients: Clients, runId: string): Promise<unknown[]> =>
  (await clients.data.listMissingLeaves({ runId })).values.map(({ table, column, value, rowCount }) => [table, column, value, rowCount]);

const VALUES = [
  ['customers', 'city', 'Arles', 3n],
  ['customers', 'city', 'Lyon', 1n],
];

test('of a run that they ended are listed, the most frequent first, and stand in no error', async () => {
  const { worker } = orders;
  const runId = await startRun(worker, await taskWith('Fail'));
  const failed = await until(async () => {
    const { run } = await worker.task.getRun({ runId });
    return run?.errorInfo ? run : undefined;
  });
  expect(failed.errorInfo).toMatchObject({ reason: 'HIERARCHY_VALUE_UNKNOWN', table: 'customers' });
  expect(JSON.stringify(failed, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value))).not.toMatch(/Arles|Lyon/);
  expect(await shown(worker, runId)).toEqual(VALUES);
  const { values, nextPageToken } = await worker.data.listMissingLeaves({ runId, pageSize: 1 });
  expect(values).toMatchObject([{ value: 'Arles' }]);
  expect((await worker.data.listMissingLeaves({ runId, pageSize: 1, pageToken: nextPageToken })).values).toMatchObject([{ value: 'Lyon' }]);
});

test('of a run that goes on without them are listed too, and go with the run that is stopped and deleted', async () => {
  const { worker } = orders;
  const runId = await preparedRun(worker, await taskWith('DropRecord'));
  expect(await shown(worker, runId)).toEqual(VALUES);
  await worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
  await expect.poll(() => shown(worker, runId), { timeout: 10_000 }).toEqual([]);
});

test('are shown to nobody who may not read rows, in the group or outside, and go after the retention', async () => {
  const { worker, groupId } = orders;
  const runId = await preparedRun(worker, await taskWith('Root'));
  const [editor, reviewer, stranger] = [await suite.user(), await suite.user(), await suite.user()];
  await suite.member(groupId, editor, Role.GUEST, [Duty.TASK_EDITOR]);
  await suite.member(groupId, reviewer, Role.GUEST, [Duty.DATA_MANAGER]);
  expect(await shown(reviewer, runId)).toEqual(VALUES);
  await expect(shown(editor, runId)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await expect(shown(stranger, runId)).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  await query(suite, `update lethe_data.missing_leaves set create_time = now() - interval '${RETENTION_MS / 1000 + 60} seconds'`);
  await expect.poll(() => shown(worker, runId), { timeout: 10_000 }).toEqual([]);
});
