// What Release refuses by itself, and what the change of a module's document means for its tasks.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { makeOrders, ordersDocument, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());

type Document = Record<string, unknown>;

const taskOf = async (document: Document): Promise<string> => {
  const { worker, groupId } = orders;
  const displayName = randomUUID();
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName, document });
  return (await worker.task.createTask({ groupId, displayName, moduleId: dataModule?.id ?? '' })).task?.id ?? '';
};

const missingOf = async (taskId: string): Promise<string[]> => {
  const { task } = await orders.worker.task.getTask({ taskId });
  return (task?.missing ?? []).map(({ type, description }) => `${type}: ${description}`);
};

const changed = (change: (document: Document) => void): Document => {
  const document = structuredClone(ordersDocument(orders.sourceId, orders.targetId, 'versioned'));
  change(document);
  return document;
};

const changeDocument = async (document: Document): Promise<void> => {
  const { worker, moduleId } = orders;
  const { dataModule } = await worker.extdatamodule.getDataModule({ moduleId });
  if (!dataModule) throw new Error('there is no module');
  await worker.extdatamodule.updateDataModule({ moduleId, dataModule: { ...dataModule, document }, updateMask: ['document'], etag: '*' });
};

describe('Release refuses', () => {
  const fileConnection = async (): Promise<string> => {
    const { worker, groupId } = orders;
    const made = await worker.extdatamodule.createConnection({ groupId, displayName: randomUUID(), type: 'file', settings: { path: '.' } });
    return made.connection?.id ?? '';
  };

  test('a table that is read from a folder, and an upload in a format that files are not written in', async () => {
    const folder = await fileConnection();
    const read = await taskOf(changed((document) => Object.assign((document['protocol'] as Document[])[0] ?? {}, { connection: folder })));
    expect(await missingOf(read)).toEqual([
      'CONNECTION_MISMATCH: the TableRead of table customers needs a connection of type postgres, and has one of type file',
    ]);
    await expect(orders.worker.task.release({ taskId: read })).rejects.toMatchObject({ reason: 'RELEASE_INCOMPLETE' });
    const written = await taskOf(
      changed((document) => Object.assign((document['upload'] as Document[])[0] ?? {}, { connection: folder, format: 'jsonl' })),
    );
    expect((await missingOf(written)).join()).toContain('UPLOAD_INVALID: the upload of table customers asks for the format jsonl');
  });

  test('a script of which no version, or not the version that is bound, is released, and one of another type', async () => {
    const { worker, groupId, sourceId, targetId } = orders;
    const taskId = await taskOf(ordersDocument(sourceId, targetId, 'versioned'));
    const { script } = await worker.script.createScript({
      groupId,
      displayName: randomUUID(),
      type: Script_Type.EXTRACTION,
      language: Script_Language.SQL,
      content: 'select 1 as id',
    });
    const scriptId = script?.id ?? '';
    const bind = async (version: number): Promise<string[]> => {
      const binding = { table: 'orders', script: { scriptId, version }, connectionId: sourceId, rank: 1, parameters: {} };
      await worker.task.updateExtractionScript({ taskId, bindings: [binding], etag: '*' });
      return missingOf(taskId);
    };
    const refusal = 'SCRIPT_NOT_RELEASED: the version of the script is not released';
    expect(await bind(0)).toContain(refusal);
    await expect(worker.task.release({ taskId })).rejects.toMatchObject({ reason: 'RELEASE_INCOMPLETE' });
    await worker.script.releaseScript({ scriptId, version: 1 });
    expect(await bind(0)).not.toContain(refusal);
    await worker.script.updateScript({
      scriptId,
      script: { ...script, version: { content: 'select 2 as id' } },
      updateMask: ['version.content'],
      etag: '*',
    });
    expect(await bind(2)).toContain(refusal);
    expect(await bind(1)).not.toContain(refusal);
    await worker.task.updateExtractionScript({ taskId, bindings: [], etag: '*' });
    const transformation = { table: 'orders', script: { scriptId, version: 1 }, connectionId: '', rank: 1, parameters: {} };
    await worker.task.updateTransformationScripts({ taskId, bindings: [transformation], etag: '*' });
    expect(await missingOf(taskId)).toContain('SCRIPT_INVALID: the script is not of type TRANSFORMATION');
  });

  test('a script that the type of its connection cannot run', async () => {
    const { worker, groupId, sourceId } = orders;
    const taskId = await taskOf(ordersDocument(sourceId, orders.targetId, 'versioned'));
    const content = 'export default async function* () { yield { id: 1 }; }';
    const language = Script_Language.TYPESCRIPT;
    const { script } = await worker.script.createScript({
      groupId,
      displayName: randomUUID(),
      type: Script_Type.EXTRACTION,
      language,
      content,
    });
    const scriptId = script?.id ?? '';
    await worker.script.releaseScript({ scriptId, version: 1 });
    const binding = { table: 'orders', script: { scriptId, version: 0 }, connectionId: sourceId, rank: 1, parameters: {} };
    await worker.task.updateExtractionScript({ taskId, bindings: [binding], etag: '*' });
    expect(await missingOf(taskId)).toEqual([
      'CONNECTION_MISMATCH: the TypeScript script of table orders needs a connection of type http, and has one of type postgres',
    ]);
  });
});

describe('a connection whose owners demand privacy', () => {
  const demand = async (requirePrivacy: boolean): Promise<void> => {
    const { worker, sourceId: connectionId } = orders;
    await worker.extdatamodule.updateConnection({
      connectionId,
      connection: { requirePrivacy },
      updateMask: ['require_privacy'],
      etag: '*',
    });
  };

  test('lets no table that it feeds be released, started or uploaded under privacy none, whose reason entries and runs show', async () => {
    const { worker, sourceId } = orders;
    // The targets of the other tests are of another module.
    const document = changed(({ upload }) => {
      for (const one of upload as Document[]) one['target'] = `demanded_${String(one['table'])}`;
    });
    const taskId = await taskOf(document);
    await worker.task.release({ taskId });
    const runId = await preparedRun(worker, taskId);
    const noneReason = 'orders say nothing of who made them';
    const { entries } = await worker.data.getAll({ runId });
    expect(entries.find(({ table }) => table === 'orders')?.privacy?.noneReason).toBe(noneReason);
    const { run } = await worker.task.getRun({ runId });
    expect(run?.tables.find(({ table }) => table === 'orders')?.noneReason).toBe(noneReason);
    await demand(true);
    try {
      const refusal = { reason: 'PRIVACY_REQUIRED', metadata: { table: 'orders', connection_id: sourceId } };
      await expect(worker.task.resume({ runId })).rejects.toMatchObject(refusal);
      await expect(worker.task.start({ target: { $case: 'taskId', value: taskId } })).rejects.toMatchObject(refusal);
      const refused = await taskOf(document);
      expect(await missingOf(refused)).toEqual([expect.stringMatching(/^PRIVACY_REQUIRED: .*table orders/)]);
      await expect(worker.task.release({ taskId: refused })).rejects.toMatchObject({ reason: 'RELEASE_INCOMPLETE' });
    } finally {
      await demand(false);
    }
    await confirmUpload(worker, runId);
  });
});

describe('a document that changes after the release', () => {
  test('is told by GetTask, and the next Release takes it in without another change of the task', async () => {
    const { worker, taskId } = orders;
    expect((await worker.task.getTask({ taskId })).task).toMatchObject({ documentNewer: false, releasedRevision: 1 });
    const prepared = await preparedRun(worker, taskId);
    await changeDocument(JSON.parse(JSON.stringify(changed(() => undefined)).replace('"k":2', '"k":3')) as Document);
    expect((await worker.task.getTask({ taskId })).task?.documentNewer).toBe(true);
    await expect(confirmUpload(worker, prepared)).rejects.toMatchObject({ reason: 'REQUIREMENT_RAISED', metadata: { table: 'customers' } });
    expect((await worker.task.release({ taskId })).task).toMatchObject({ releasedRevision: 2, documentNewer: false });
    expect((await worker.task.getTask({ taskId })).task?.documentNewer).toBe(false);
    const runId = await preparedRun(worker, taskId);
    const { entries } = await worker.data.getAll({ runId });
    expect(entries.find(({ table }) => table === 'customers')?.privacy?.kRequired).toBe(3);
    await expect(worker.task.release({ taskId })).rejects.toMatchObject({ reason: 'NO_DRAFT' });
  });
});
