// Lists of tasks and runs through the wire: what one sees, in which order, by which filter, page by page.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { makeOrders, type Orders } from '@lethe/testkit/orders';
import { preparedRun, uploadedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
let others: Orders;
let secondTaskId: string;
// In the order of their start.
let runIds: string[];
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
  others = await makeOrders(suite, 'versioned');
  const { groupId, moduleId, worker } = orders;
  const { task } = await worker.task.createTask({ groupId, displayName: 'second', namespace: 'nightly', moduleId });
  secondTaskId = task?.id ?? '';
  await worker.task.release({ taskId: secondTaskId });
  const uploadedId = await uploadedRun(worker, orders.taskId);
  runIds = [uploadedId, await preparedRun(worker, orders.taskId), await preparedRun(worker, secondTaskId)];
  await preparedRun(others.worker, others.taskId);
});
afterAll(() => suite.close());

const ids = (items: { id: string }[]): string[] => items.map(({ id }) => id);

describe('ListTasks', () => {
  test('lists the tasks of the own groups, without plans', async () => {
    const { tasks } = await orders.worker.task.listTasks({});
    expect(ids(tasks)).toEqual([orders.taskId, secondTaskId].toSorted());
    expect(tasks.map(({ revision }) => revision?.plan)).toEqual([undefined, undefined]);
    expect((await orders.worker.task.listTasks({ groupId: others.groupId })).tasks).toEqual([]);
  });

  test('filters by namespace, name and module', async () => {
    const { task } = orders.worker;
    expect(ids((await task.listTasks({ namespace: 'nightly' })).tasks)).toEqual([secondTaskId]);
    expect(ids((await task.listTasks({ displayName: 'second' })).tasks)).toEqual([secondTaskId]);
    expect((await task.listTasks({ displayName: 'Second' })).tasks).toEqual([]);
    expect((await task.listTasks({ moduleId: orders.moduleId })).tasks).toHaveLength(2);
    expect((await task.listTasks({ moduleId: others.moduleId })).tasks).toEqual([]);
  });

  test('pages, and refuses the token of another list', async () => {
    const first = await orders.worker.task.listTasks({ pageSize: 1 });
    const second = await orders.worker.task.listTasks({ pageSize: 1, pageToken: first.nextPageToken });
    expect(ids([...first.tasks, ...second.tasks])).toEqual([orders.taskId, secondTaskId].toSorted());
    expect(second.nextPageToken).toBe('');
    const { nextPageToken: pageToken } = first;
    await expect(orders.worker.task.listTasks({ namespace: 'nightly', pageToken })).rejects.toMatchObject({
      reason: 'PAGE_TOKEN_MISMATCH',
    });
    await expect(orders.worker.task.listRuns({ pageToken })).rejects.toMatchObject({ reason: 'PAGE_TOKEN_MISMATCH' });
  });
});

describe('ListRuns', () => {
  test('lists the runs of the own groups, newest first, without snapshots', async () => {
    const { runs } = await orders.worker.task.listRuns({});
    expect(ids(runs)).toEqual(runIds.toReversed());
    expect(runs.filter(({ snapshot }) => snapshot !== undefined)).toEqual([]);
    expect((await orders.worker.task.listRuns({ groupId: others.groupId })).runs).toEqual([]);
  });

  test('filters by task, module and state', async () => {
    const { task } = orders.worker;
    expect(ids((await task.listRuns({ taskId: secondTaskId })).runs)).toEqual(runIds.slice(2));
    expect(ids((await task.listRuns({ state: RunState.UPLOADED })).runs)).toEqual(runIds.slice(0, 1));
    expect(ids((await task.listRuns({ taskId: orders.taskId, state: RunState.PREPARED })).runs)).toEqual(runIds.slice(1, 2));
    expect((await task.listRuns({ moduleId: orders.moduleId })).runs).toHaveLength(3);
    expect((await task.listRuns({ moduleId: others.moduleId })).runs).toEqual([]);
  });

  test('pages from the newest to the oldest, each run once, a run that is started meanwhile none', async () => {
    const seen: Run[] = [];
    let pageToken = '';
    do {
      const page = await orders.worker.task.listRuns({ pageSize: 1, moduleId: orders.moduleId, pageToken });
      if (seen.length === 0) await preparedRun(orders.worker, secondTaskId);
      seen.push(...page.runs);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(ids(seen)).toEqual(runIds.toReversed());
  });
});

describe('GetRun', () => {
  test('shows the snapshot that the run uses, and is NOT_FOUND for other groups', async () => {
    const [runId = ''] = runIds;
    const { run } = await orders.worker.task.getRun({ runId });
    expect(run?.snapshot?.tables.map(({ name }) => name)).toEqual(['customers', 'orders']);
    expect(run).toMatchObject({ startedBy: orders.worker.id, taskRevision: 1, publishedVersion: '1.0.0', reconciling: false });
    await expect(others.worker.task.getRun({ runId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });
});
