// Commands on runs, through the wire: repeated requests, parameters, and a watch that goes on where it was.
import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Script_Language, Parameter_Type, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { OutboxDecision, type StartRequest, type WatchRunResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { makeOrders, type Orders } from '@lethe/testkit/orders';
import { preparedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());

const ofTask = (taskId = orders.taskId): NonNullable<StartRequest['target']> => ({ $case: 'taskId', value: taskId });
const ofRun = (runId: string): NonNullable<StartRequest['target']> => ({ $case: 'runId', value: runId });
const runs = async () => (await orders.worker.task.listRuns({ taskId: orders.taskId })).runs;

describe('a repeated request id', () => {
  test('of Start of a task makes one run, at the same time and later', async () => {
    const requestId = randomUUID();
    const start = () => orders.worker.task.start({ target: ofTask(), requestId });
    const [first, second] = await Promise.all([start(), start()]);
    expect(second?.run?.id).toBe(first?.run?.id);
    await waitFor(orders.worker, first?.run?.id ?? '', RunState.PREPARED);
    expect((await start()).run?.id).toBe(first?.run?.id);
    expect(await runs()).toHaveLength(1);
    await expect(orders.worker.task.start({ target: ofRun(first?.run?.id ?? ''), requestId })).rejects.toMatchObject({
      reason: 'REQUEST_ID_REUSED',
    });
  });

  test('of the confirmation of an upload publishes one version', async () => {
    const [requestId, runId] = [randomUUID(), await preparedRun(orders.worker, orders.taskId)];
    await orders.worker.task.start({ target: ofRun(runId), requestId });
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect((await orders.worker.task.start({ target: ofRun(runId), requestId })).run?.id).toBe(runId);
    const { versions } = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId: orders.moduleId, showAll: true });
    expect(versions).toHaveLength(1);
    await expect(orders.worker.task.start({ target: ofRun(runId) })).rejects.toMatchObject({
      reason: 'RUN_STATE',
      metadata: { state: 'UPLOADED' },
    });
  });

  test('of Stop responds the same after the run has ended, where another Stop is refused', async () => {
    const [requestId, runId] = [randomUUID(), await preparedRun(orders.worker, orders.taskId)];
    const stop = () => orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE, reason: 'not needed', requestId });
    const first = await stop();
    await waitFor(orders.worker, runId, RunState.STOPPED);
    expect((await stop()).run).toMatchObject({ id: runId, desire: Desire.STOP, updateTime: first.run?.updateTime });
    await expect(orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE })).rejects.toMatchObject({
      reason: 'RUN_STATE',
      metadata: { state: 'STOPPED' },
    });
  });
});

describe('parameters of a run', () => {
  let taskId: string;
  beforeAll(async () => {
    const { groupId, worker, sourceId, moduleId, schema } = orders;
    const { script } = await worker.script.createScript({
      groupId,
      displayName: 'large orders',
      type: Script_Type.EXTRACTION,
      language: Script_Language.SQL,
      content: `SELECT number, customer, amount FROM ${schema}.orders WHERE amount >= current_setting('lethe.lowest')::bigint`,
      parameters: [{ name: 'lowest', type: Parameter_Type.INTEGER, defaultValue: '0', required: false }],
    });
    const scriptId = script?.id ?? '';
    await worker.script.releaseScript({ scriptId, version: 1 });
    const { task } = await worker.task.createTask({ groupId, displayName: 'large orders', moduleId });
    taskId = task?.id ?? '';
    const binding = { table: 'orders', script: { scriptId, version: 0 }, connectionId: sourceId, rank: 1, parameters: {} };
    await worker.task.updateExtractionScript({ taskId, bindings: [binding], etag: '*' });
    await worker.task.release({ taskId });
  });

  const ordersRead = async (parameters: Record<string, string>): Promise<bigint | undefined> => {
    const { run } = await orders.worker.task.start({ target: ofTask(taskId), parameters });
    const prepared = await waitFor(orders.worker, run?.id ?? '', RunState.PREPARED);
    expect(prepared.parameters).toEqual(parameters);
    return prepared.tables.find(({ table }) => table === 'orders')?.storedCount;
  };

  test('reach its scripts, over the defaults that the script declares', async () => {
    expect(await ordersRead({})).toBe(30n);
    expect(await ordersRead({ lowest: '105' })).toBe(16n);
  });

  test('that no script has are refused by name, and no run is made', async () => {
    const call = orders.worker.task.start({ target: ofTask(taskId), parameters: { highest: '9', lowest: '1' } });
    await expect(call).rejects.toMatchObject({ reason: 'PARAMETER_UNKNOWN', metadata: { parameters: 'highest' } });
    const ofOtherType = orders.worker.task.start({ target: ofTask(taskId), parameters: { lowest: "0' or 1=1" } });
    await expect(ofOtherType).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
      fields: [{ field: 'parameters', rule: 'PARAMETER_TYPE' }],
    });
    expect((await orders.worker.task.listRuns({ taskId })).runs).toHaveLength(2);
  });

  test('are refused where the run has its own already', async () => {
    const [run] = (await orders.worker.task.listRuns({ taskId })).runs;
    const call = orders.worker.task.start({ target: ofRun(run?.id ?? ''), parameters: { lowest: '1' } });
    await expect(call).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'parameters', rule: 'PARAMETER_UNKNOWN' }] });
  });
});

describe('WatchRun', () => {
  const firstMessage = async (runId: string, resumeToken = ''): Promise<WatchRunResponse> => {
    for await (const message of orders.worker.task.watchRun({ runId, resumeToken })) return message;
    throw new Error('the watch said nothing');
  };

  test('goes on after its token: what was seen is not said again, what has changed is', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const seen = await firstMessage(runId);
    expect(seen).toMatchObject({ checkpoint: false, run: { state: RunState.PREPARED } });
    await orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
    await waitFor(orders.worker, runId, RunState.STOPPED);
    const changed = await firstMessage(runId, seen.resumeToken);
    expect(changed).toMatchObject({ checkpoint: false, run: { state: RunState.STOPPED } });
    expect(await firstMessage(runId, changed.resumeToken)).toMatchObject({ checkpoint: true });
  });

  test('ends by itself after the last state', async () => {
    const runId = (await runs()).find(({ state }) => state === RunState.STOPPED)?.id ?? '';
    const states: RunState[] = [];
    for await (const { run } of orders.worker.task.watchRun({ runId })) states.push(run?.state ?? RunState.UNSPECIFIED);
    expect(states).toEqual([RunState.STOPPED]);
  });

  test('refuses a token that it never gave', async () => {
    const [run] = await runs();
    await expect(firstMessage(run?.id ?? '', 'somewhere')).rejects.toMatchObject({ reason: 'RESUME_TOKEN_INVALID' });
  });
});
