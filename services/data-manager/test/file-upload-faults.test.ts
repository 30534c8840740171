// Uploads to files that end between their renames: what readers have seen is completed, never given up.
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Desire, RunState, UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { DataModuleVersion_State as State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, ordersDocument, query, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, uploadedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
let folder: string;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());
afterEach(() => disarmFailpoints());
beforeEach(async () => {
  orders = await makeOrders(suite, 'replace');
  const { worker, groupId, sourceId, moduleId, taskId } = orders;
  folder = join(suite.folder, groupId, 'out');
  mkdirSync(folder, { recursive: true });
  const { connection } = await worker.extdatamodule.createConnection({
    groupId,
    displayName: 'files',
    type: 'file',
    settings: { path: 'out' },
  });
  const document = ordersDocument(sourceId, connection?.id ?? '', 'replace');
  const { dataModule } = await worker.extdatamodule.getDataModule({ moduleId });
  if (!dataModule) throw new Error('there is no module');
  await worker.extdatamodule.updateDataModule({ moduleId, dataModule: { ...dataModule, document }, updateMask: ['document'], etag: '*' });
  await worker.task.release({ taskId });
});

const runOf = async (runId: string) => (await orders.worker.task.getRun({ runId })).run;
const states = async (): Promise<State[]> => {
  const { versions } = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId: orders.moduleId, showAll: true });
  return versions.map(({ state }) => state);
};
/** By table, the first row that readers see: `old` ones or `new` ones. */
const seen = (): Record<string, string> => {
  const row = readFileSync(join(folder, 'orders.csv'), 'utf8').split('\n')[1] ?? '';
  const cities = readFileSync(join(folder, 'customers.csv'), 'utf8').trim().split('\n').length - 1;
  return { orders: Number(row.split(',')[2]) > 1_000 ? 'new' : 'old', customers: cities > 10 ? 'new' : 'old' };
};
const OLD = { orders: 'old', customers: 'old' };
const NEW = { orders: 'new', customers: 'new' };

/** A run that is prepared with other rows than are published. */
const preparedAnew = async (): Promise<string> => {
  await uploadedRun(orders.worker, orders.taskId);
  expect(seen()).toEqual(OLD);
  await query(
    suite,
    `update ${orders.schema}.orders set amount = amount + 1000; insert into ${orders.schema}.customers values (11, 'Turin'), (12, 'Ghent')`,
  );
  return preparedRun(orders.worker, orders.taskId);
};

/** Deletes a run by Stop at a place of its upload, and ends the turn of the worker there. */
const deleteAt = async (place: string, hit: number, runId: string): Promise<void> => {
  armFailpoint(
    place,
    async () => {
      await orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
      const { data } = suite.clients(await suite.serviceToken('task', { audience: 'data', groupId: orders.groupId, runId }));
      await until(async () => ((await data.getExecution({ runId })).execution?.desire === Desire.STOP ? true : undefined));
      throw new Error('Connection terminated unexpectedly');
    },
    hit,
  );
  await confirmUpload(orders.worker, runId);
};

test.each([
  ['the first rename', 1],
  ['the last rename', 2],
])('a Stop after %s of an upload to files ends it UPLOADED, with all its tables', async (_name, hit) => {
  const runId = await preparedAnew();
  await deleteAt('upload.target.rename.after', hit, runId);
  const run = await waitFor(orders.worker, runId, RunState.UPLOADED);
  expect(run.publishedVersion).toBe('2.0.0');
  expect(seen()).toEqual(NEW);
  expect(await states()).toEqual([State.SUPERSEDED, State.PUBLISHED]);
  expect(readdirSync(join(folder, '.lethe')).filter((name) => !/^\w+\.json$/.test(name))).toEqual([]);
});

test.each([
  ['the first rename', 1],
  ['the last rename', 2],
])('a folder that is away after %s, as one that is not mounted, is waited for, and nothing is given up', async (_name, hit) => {
  const runId = await preparedAnew();
  const away = `${folder}.away`;
  armFailpoint(
    'upload.target.rename.after',
    () => {
      renameSync(folder, away);
      mkdirSync(folder);
      throw new Error('Connection terminated unexpectedly');
    },
    hit,
  );
  await confirmUpload(orders.worker, runId);
  await until(async () => ((await runOf(runId))?.waitingFor.includes('nothing of the upload that began in it') ? true : undefined));
  await orders.worker.task.stop({ runId, outbox: OutboxDecision.DELETE });
  // Whether readers see it, nobody but a person can tell as long as the folder is away.
  await until(async () => ((await runOf(runId))?.state === RunState.UPLOAD_UNKNOWN ? true : undefined));
  expect(await states()).not.toContain(State.ABANDONED);
  rmSync(folder, { recursive: true });
  renameSync(away, folder);
  await orders.worker.task.resolveUpload({ runId, outcome: UploadOutcome.TAKEN });
  await waitFor(orders.worker, runId, RunState.UPLOADED);
  expect(seen()).toEqual(NEW);
  expect(await states()).toEqual([State.SUPERSEDED, State.PUBLISHED]);
});

test('a Stop between the intent of an upload to files and its first rename gives it up, and readers see nothing of it', async () => {
  const runId = await preparedAnew();
  await deleteAt('upload.target.commit.before', 1, runId);
  await until(async () => ((await runOf(runId))?.state === RunState.STOPPED ? true : undefined));
  expect(seen()).toEqual(OLD);
  expect(await states()).toContain(State.ABANDONED);
  const { entries } = await orders.worker.data.getAll({ runId });
  expect(entries.every(({ state }) => state === Entry_State.DELETED)).toBe(true);
  expect(readdirSync(join(folder, '.lethe')).filter((name) => !/^\w+\.json$/.test(name))).toEqual([]);
  await uploadedRun(orders.worker, orders.taskId);
  expect(seen()).toEqual(NEW);
});

test('a table that cannot be renamed after another was keeps the upload and its version, says why, and ends when it can', async () => {
  const runId = await preparedAnew();
  armFailpoint('upload.target.rename.after', () => {
    rmSync(join(folder, 'orders.csv'));
    mkdirSync(join(folder, 'orders.csv'));
  });
  await confirmUpload(orders.worker, runId);
  await expect
    .poll(async () => (await runOf(runId))?.waitingFor, { timeout: 20_000 })
    .toBe('Connection files: Publishing failed: a folder is where a file should be.');
  expect(await runOf(runId)).toMatchObject({ state: RunState.UPLOADING, refusal: '' });
  expect(await states()).toContain(State.RESERVED);
  rmSync(join(folder, 'orders.csv'), { recursive: true });
  await waitFor(orders.worker, runId, RunState.UPLOADED);
  expect(seen()).toEqual(NEW);
});

test('an upload whose prepared rows are gone from the disk says which table’s, and gives its version up', async () => {
  const runId = await preparedRun(orders.worker, orders.taskId);
  rmSync(join(suite.folder, 'data', 'outbox', runId), { recursive: true });
  await confirmUpload(orders.worker, runId);
  await expect
    .poll(async () => (await runOf(runId))?.errorInfo, { timeout: 20_000 })
    .toMatchObject({ reason: 'PREPARED_ROWS_GONE', table: 'customers' });
  expect(await states()).toEqual([]);
});
