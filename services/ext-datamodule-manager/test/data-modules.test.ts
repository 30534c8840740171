// Data modules through the wire: what their documents are checked for, and how they change.
import { makePostgresConnection, makeWorker, ordersDocument } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

type Json = Record<string, unknown>;

let suite: Suite;
let worker: TestUser;
let groupId: string;
let connectionId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'extdatamodule'] });
  ({ worker, groupId } = await makeWorker(suite));
  connectionId = await makePostgresConnection(suite, worker, groupId, 'public');
});
afterAll(() => suite.close());

const document = (): Json => ordersDocument(connectionId, connectionId, 'versioned');

/** The document with something changed in its text. */
const changed = (from: string, to: string): Json => {
  const text = JSON.stringify(document());
  if (!text.includes(from)) throw new Error(`the document has no ${from}`);
  return JSON.parse(text.replace(from, to)) as Json;
};

const create = async (wanted: Json) => {
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: randomUUID(), document: wanted });
  if (!dataModule) throw new Error('there is no module');
  return dataModule;
};

test('a document is returned as it was sent, with its hash', async () => {
  const made = await create(document());
  const { dataModule } = await worker.extdatamodule.getDataModule({ moduleId: made.id });
  expect(dataModule).toMatchObject({ document: document(), documentRevision: 1n, headVersion: '' });
  expect(dataModule?.documentHash).toMatch(/^[0-9a-f]{64}$/);
  expect((await create(document())).documentHash).toBe(dataModule?.documentHash);
  const { dataModules } = await worker.extdatamodule.listDataModules({ groupId, displayName: made.displayName });
  expect(dataModules).toMatchObject([{ id: made.id, document: undefined }]);
});

describe('a document is refused, by JSON pointer,', () => {
  test.each([
    ['with a word that nobody knows', () => ({ ...document(), colour: 'red' }), 'document#/colour'],
    ['with a datatype that is none', () => changed('"base":"string"', '"base":"colour"'), 'document#/tables/0/columns/1/datatype/base'],
    [
      'with a key of a column that is not there',
      () => changed('"primaryKey":["number"]', '"primaryKey":["numbers"]'),
      'document#/tables/1/primaryKey',
    ],
    [
      'with a reference to a table that is not there',
      () => changed('"resource":"customers"', '"resource":"people"'),
      'document#/tables/1/foreignKeys/0',
    ],
    [
      'with a key and no word of what happens to repeated ones',
      () => changed('"primaryKeyConflict":"DropAllConflicting",', ''),
      'document#/tables/0',
    ],
  ])('%s', async (_name, broken, pointer) => {
    const error = await worker.extdatamodule
      .createDataModule({ groupId, displayName: randomUUID(), document: broken() })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ reason: 'DOCUMENT_INVALID' });
    const { fields } = error as { fields: { field: string; description: string }[] };
    expect(fields.map(({ field }) => field)).toEqual(expect.arrayContaining([expect.stringContaining(pointer)]));
    expect(fields.every(({ description }) => description !== '')).toBe(true);
  });
});

describe('UpdateDataModule', () => {
  test('replaces the document as its next revision, against the etag of the one that was read', async () => {
    const made = await create(document());
    const change = { moduleId: made.id, dataModule: { ...made, document: changed('"k":2', '"k":3') }, updateMask: ['document'] };
    const { dataModule } = await worker.extdatamodule.updateDataModule({ ...change, etag: made.etag });
    expect(dataModule).toMatchObject({ documentRevision: 2n, document: change.dataModule.document });
    expect(dataModule?.documentHash).not.toBe(made.documentHash);
    await expect(worker.extdatamodule.updateDataModule({ ...change, etag: made.etag })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
    await expect(worker.extdatamodule.updateDataModule(change)).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  });

  test('refuses a broken document and keeps what was there', async () => {
    const made = await create(document());
    const change = { moduleId: made.id, dataModule: { ...made, document: { ...document(), colour: 'red' } }, updateMask: ['document'] };
    await expect(worker.extdatamodule.updateDataModule({ ...change, etag: '*' })).rejects.toMatchObject({ reason: 'DOCUMENT_INVALID' });
    expect((await worker.extdatamodule.getDataModule({ moduleId: made.id })).dataModule).toEqual(made);
  });

  test('changes the name alone where the mask names that alone', async () => {
    const made = await create(document());
    const dataModule = { ...made, displayName: randomUUID(), document: undefined };
    const response = await worker.extdatamodule.updateDataModule({
      moduleId: made.id,
      dataModule,
      updateMask: ['display_name'],
      etag: made.etag,
    });
    expect(response.dataModule).toMatchObject({ displayName: dataModule.displayName, document: document(), documentRevision: 1n });
  });

  test('refuses a mask with a field that does not change', async () => {
    const made = await create(document());
    const change = { moduleId: made.id, dataModule: made, updateMask: ['head_version'], etag: '*' };
    await expect(worker.extdatamodule.updateDataModule(change)).rejects.toMatchObject({ reason: 'MASK_INVALID' });
  });
});
