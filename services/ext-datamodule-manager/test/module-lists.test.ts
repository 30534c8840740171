// Data modules and their versions as users and services read them.
import {
  DataModule,
  DataModuleVersion_State as State,
  type DataModuleVersion,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { PublishDataModuleVersionRequest } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Clients, type Suite } from '@lethe/testkit/suite';
import { visitsDocument } from '@lethe/testkit/visits';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let people: People;
let connectionId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule'] });
  people = await makePeople(suite);
  const { connection } = await people.editor.extdatamodule.createConnection({
    groupId: people.groupId,
    displayName: 'files',
    type: 'file',
    settings: { path: 'files' },
  });
  connectionId = connection?.id ?? '';
});
afterAll(() => suite.close());

const create = async (displayName: string, change: { namespace?: string; requestId?: string; groupId?: string } = {}) => {
  const { dataModule } = await people.editor.extdatamodule.createDataModule({
    groupId: people.groupId,
    displayName,
    document: visitsDocument(connectionId),
    ...change,
  });
  if (!dataModule) throw new Error('there is no module');
  return dataModule;
};

const asService = async (service: 'data' | 'task', groupId: string): Promise<Clients['extdatamodule']> =>
  suite.clients(await suite.serviceToken(service, { audience: 'extdatamodule', groupId })).extdatamodule;

type Step = PublishDataModuleVersionRequest['step'];

/** Reserves a version, and publishes or gives it up. */
const addVersion = async (moduleId: string, baseVersion: string, contentHash: string, end?: 'commit' | 'abandon'): Promise<string> => {
  const data = await asService('data', people.groupId);
  const tables = [{ table: 'visits', contentHash, schemaHash: 's', rowCount: 3n }];
  const ids = { moduleId, uploadId: randomUUID(), runId: randomUUID() };
  const publish = async (step: Step): Promise<DataModuleVersion | undefined> =>
    (await data.publishDataModuleVersion({ ...ids, step })).version;
  const reserved = await publish({ $case: 'reserve', value: { baseVersion, tables, onlyAdditions: {} } });
  if (end === 'commit') await publish({ $case: 'commit', value: { document: visitsDocument(connectionId), tables } });
  if (end === 'abandon') await publish({ $case: 'abandon', value: { reason: 'For a test' } });
  return reserved?.version ?? '';
};

test('a module with a request id is made once, and its name is taken once in the group', async () => {
  const requestId = randomUUID();
  const first = await create('once', { requestId });
  expect(await create('once', { requestId })).toEqual(first);
  await expect(create('twice', { requestId })).rejects.toMatchObject({ reason: 'REQUEST_ID_REUSED' });
  await expect(create('once')).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
});

test('what a new module needs is asked for by field, and a group of others is not found', async () => {
  const { groupId, editor } = people;
  await expect(editor.extdatamodule.createDataModule({ groupId, displayName: '' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'display_name' }, { field: 'document' }],
  });
  await expect(create('foreign', { groupId: await suite.group() })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('a change is held to the bounds of a new module, by field', async () => {
  const { id: moduleId } = await create('bounded');
  const dataModule = DataModule.fromPartial({ displayName: 'n'.repeat(129), namespace: 'n'.repeat(129) });
  await expect(people.editor.extdatamodule.updateDataModule({ moduleId, dataModule, etag: '*' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'data_module.display_name' }, { field: 'data_module.namespace' }],
  });
});

test('modules are listed without documents, filtered by namespace and name, page by page', async () => {
  const made = [
    await create('m1', { namespace: 'paged' }),
    await create('m2', { namespace: 'paged' }),
    await create('m3', { namespace: 'paged' }),
  ];
  const list = (filter: object) => people.guest.extdatamodule.listDataModules({ namespace: 'paged', ...filter });
  const first = await list({ pageSize: 2 });
  const rest = await list({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.dataModules, ...rest.dataModules]).toEqual(made.map((module) => ({ ...module, document: undefined })));
  expect((await list({ displayName: 'm2' })).dataModules.map(({ id }) => id)).toEqual([made[1]?.id]);
  await expect(list({ pageSize: 2, pageToken: first.nextPageToken, displayName: 'm2' })).rejects.toMatchObject({
    reason: 'PAGE_TOKEN_MISMATCH',
  });
});

test('a version is read by its number once it is published, and the newest where none is named', async () => {
  const { id: moduleId } = await create('versions');
  const get = (version: string) => people.guest.extdatamodule.getDataModuleVersion({ moduleId, version });
  await expect(get('')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  expect(await addVersion(moduleId, '', 'a', 'commit')).toBe('1.0.0');
  expect(await addVersion(moduleId, '1.0.0', 'b', 'commit')).toBe('2.0.0');
  expect(await addVersion(moduleId, '2.0.0', 'c')).toBe('3.0.0');
  const { version } = await get('');
  expect(version).toMatchObject({
    moduleId,
    version: '2.0.0',
    baseVersion: '1.0.0',
    state: State.PUBLISHED,
    document: visitsDocument(connectionId),
    tables: [{ table: 'visits', contentHash: 'b', schemaHash: 's', rowCount: 3n }],
  });
  expect(version?.documentHash).toMatch(/^[0-9a-f]{64}$/);
  expect(version?.publishTime).toBeInstanceOf(Date);
  expect((await get('1.0.0')).version?.version).toBe('1.0.0');
  await expect(get('3.0.0')).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('versions are listed oldest first and page by page, also where a number was given up and used again', async () => {
  const { id: moduleId } = await create('history');
  for (const [base, hash, end] of [
    ['', 'a', 'commit'],
    ['1.0.0', 'b', 'abandon'],
    ['1.0.0', 'b', 'abandon'],
    ['1.0.0', 'b', 'commit'],
  ] as const)
    await addVersion(moduleId, base, hash, end);
  const seen: [string, State][] = [];
  let pageToken = '';
  do {
    const page = await people.guest.extdatamodule.listDataModuleVersions({ moduleId, showAll: true, pageSize: 1, pageToken });
    seen.push(...page.versions.map(({ version, state }): [string, State] => [version, state]));
    expect(page.versions.every(({ document }) => document === undefined)).toBe(true);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  expect(seen).toEqual([
    ['1.0.0', State.SUPERSEDED],
    ['2.0.0', State.ABANDONED],
    ['2.0.0', State.ABANDONED],
    ['2.0.0', State.PUBLISHED],
  ]);
  const { versions } = await people.guest.extdatamodule.listDataModuleVersions({ moduleId });
  expect(versions.map(({ version }) => version)).toEqual(['1.0.0', '2.0.0']);
});

test('a service reads the modules, versions and connections of the group that its token names, and of no other', async () => {
  const { id: moduleId } = await create('for services');
  await addVersion(moduleId, '', 'a', 'commit');
  const own = await asService('task', people.groupId);
  const foreign = await asService('task', await suite.group());
  expect((await own.getDataModule({ moduleId })).dataModule?.id).toBe(moduleId);
  expect((await own.getDataModuleVersion({ moduleId })).version?.version).toBe('1.0.0');
  await expect(foreign.getDataModule({ moduleId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await expect(foreign.getDataModuleVersion({ moduleId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await expect(own.listDataModules({})).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
});
