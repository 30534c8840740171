// What a release pins, and what stands in its way: grants, revisions, and the document of the module.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Missing_Kind } from '@lethe/contracts/gen/lethe/task/v1/task';
import { TaskRevision_State, type Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { makeOrders, makePostgresConnection, makeWorker, ordersDocument, type Orders } from '@lethe/testkit/orders';
import { preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());

const released = async (revision: number) => (await orders.worker.task.getTask({ taskId: orders.taskId, revision })).task?.revision;

const rowsOf = (run: Run | undefined, table: string): bigint | undefined =>
  run?.tables.find((report) => report.table === table)?.storedCount;

/** Makes the task's next draft: a transformation that keeps the first 10 orders. */
const draftWithTransformation = async (): Promise<void> => {
  const { groupId, worker, taskId } = orders;
  const { script } = await worker.script.createScript({
    groupId,
    displayName: 'first orders',
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT number, customer, amount FROM orders WHERE number <= 10',
    properties: { outputs: ['number', 'customer', 'amount'].map((name) => ({ name, type: 'integer' })) },
  });
  const scriptId = script?.id ?? '';
  await worker.script.releaseScript({ scriptId, version: 1 });
  const binding = { table: 'orders', script: { scriptId, version: 0 }, connectionId: '', rank: 1, parameters: {} };
  await worker.task.updateTransformationScripts({ taskId, bindings: [binding], etag: '*' });
};

describe('a connection of another group', () => {
  let owner: TestUser;
  let foreignId: string;
  let taskId: string;
  let requestId: string;
  beforeAll(async () => {
    const owners = await makeWorker(suite);
    owner = owners.worker;
    foreignId = await makePostgresConnection(suite, owner, owners.groupId, orders.schema);
    const { groupId, worker, targetId } = orders;
    const document = ordersDocument(foreignId, targetId, 'replace');
    const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: 'foreign', document });
    taskId = (await worker.task.createTask({ groupId, displayName: 'foreign', moduleId: dataModule?.id ?? '' })).task?.id ?? '';
  });

  const missing = () => [
    {
      type: 'GRANT_MISSING',
      subject: `connections/${foreignId}`,
      description: 'READ access to the connection is not granted; ask its owners (AddAccess)',
    },
  ];

  test('without a grant is what is missing, and Release says so', async () => {
    expect((await orders.worker.task.getTask({ taskId })).task?.missing).toEqual(
      missing().map((one) => ({ ...one, kind: Missing_Kind.GRANT_MISSING })),
    );
    await expect(orders.worker.task.release({ taskId })).rejects.toMatchObject({
      reason: 'RELEASE_INCOMPLETE',
      metadata: { missing_count: '1' },
      preconditions: missing(),
    });
  });

  test('with a request that nobody has decided is missing still, and with the grant the task is released and runs', async () => {
    const asked = await orders.worker.user.addAccess({ connectionId: foreignId, access: Access.READ, reason: 'for the orders' });
    requestId = asked.accessRequest?.id ?? '';
    await expect(orders.worker.task.release({ taskId })).rejects.toMatchObject({ reason: 'RELEASE_INCOMPLETE' });
    await owner.user.approveAccessRequest({ accessRequestId: requestId, decision: Decision.APPROVE });
    expect((await orders.worker.task.release({ taskId })).task).toMatchObject({ releasedRevision: 1, missing: [] });
    await preparedRun(orders.worker, taskId);
  });

  test('whose grant is revoked stops the next Start and the upload of what is prepared, by name', async () => {
    const [prepared] = (await orders.worker.task.listRuns({ taskId })).runs;
    await owner.user.revokeAccess({ accessRequestId: requestId, comment: 'over' });
    const refusal = { reason: 'GRANT_MISSING', metadata: { connection_id: foreignId } };
    await expect(startRun(orders.worker, taskId)).rejects.toMatchObject(refusal);
    await expect(orders.worker.task.start({ target: { $case: 'runId', value: prepared?.id ?? '' } })).rejects.toMatchObject(refusal);
    expect((await orders.worker.task.listRuns({ taskId })).runs).toHaveLength(1);
  });

  test('of which nobody has heard is CONNECTION_MISSING', async () => {
    const { groupId, worker, targetId } = orders;
    const document = ordersDocument('01890000-0000-7000-8000-000000000000', targetId, 'replace');
    const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: 'nowhere', document });
    const { task } = await worker.task.createTask({ groupId, displayName: 'nowhere', moduleId: dataModule?.id ?? '' });
    const response = await worker.task.getTask({ taskId: task?.id ?? '' });
    expect(response.task?.missing.map(({ type }) => type)).toEqual(['CONNECTION_MISSING']);
  });
});

describe('a released revision', () => {
  test('stays as it is when the task is edited, and Start runs it until the next release', async () => {
    const before = await released(1);
    await draftWithTransformation();
    expect(await released(1)).toEqual(before);
    expect(before).toMatchObject({ state: TaskRevision_State.RELEASED, transformations: [], releasedBy: orders.worker.id });
    expect(await released(0)).toMatchObject({ number: 2, state: TaskRevision_State.DRAFT });
    const runId = await preparedRun(orders.worker, orders.taskId);
    const { run } = await orders.worker.task.getRun({ runId });
    expect(run).toMatchObject({ taskRevision: 1, snapshotHash: before?.snapshotHash });
    expect(rowsOf(run, 'orders')).toBe(30n);
  });

  test('that is newer is what Start runs', async () => {
    await orders.worker.task.release({ taskId: orders.taskId });
    const runId = await preparedRun(orders.worker, orders.taskId);
    const { run } = await orders.worker.task.getRun({ runId });
    expect(run?.taskRevision).toBe(2);
    expect(rowsOf(run, 'orders')).toBe(10n);
  });

  test('is not released again', async () => {
    await expect(orders.worker.task.release({ taskId: orders.taskId })).rejects.toMatchObject({ reason: 'NO_DRAFT' });
  });
});

describe('a module whose document changes after the release', () => {
  const kRequired = async (): Promise<number | undefined> => {
    const runId = await startRun(orders.worker, orders.taskId);
    await waitFor(orders.worker, runId, RunState.PREPARED);
    const { entries } = await orders.worker.data.getAll({ runId });
    return entries.find(({ table }) => table === 'customers')?.privacy?.kRequired;
  };

  test('is run as it was released', async () => {
    const before = await released(2);
    const { worker, moduleId, sourceId, targetId } = orders;
    const { dataModule } = await worker.extdatamodule.getDataModule({ moduleId });
    const document = JSON.parse(JSON.stringify(ordersDocument(sourceId, targetId, 'versioned')).replace('"k":2', '"k":7')) as Record<
      string,
      unknown
    >;
    if (!dataModule) throw new Error('there is no module');
    await worker.extdatamodule.updateDataModule({
      moduleId,
      dataModule: { ...dataModule, document },
      updateMask: ['document'],
      etag: dataModule.etag,
    });
    expect(await released(2)).toEqual(before);
    expect(before?.moduleDocumentRevision).toBe(1n);
    expect(await kRequired()).toBe(2);
  });

  test('is run as it is now after the next release', async () => {
    await orders.worker.task.updateTransformationScripts({ taskId: orders.taskId, bindings: [], etag: '*' });
    await orders.worker.task.release({ taskId: orders.taskId });
    expect(await released(3)).toMatchObject({ moduleDocumentRevision: 2n });
    expect(await kRequired()).toBe(7);
  });
});
