// Names of outside as paths: a connection reaches the folder of its group, and nothing else, whatever its path, its files and their links say.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { makeWorker } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

type Group = { worker: TestUser; groupId: string };

let suite: Suite;
let own: Group;
let other: Group;
const SECRET = 'id,name\n1,canary-of-another-group\n';
beforeAll(async () => {
  suite = await startSuite();
  own = await makeWorker(suite);
  other = await makeWorker(suite);
  const folder = join(suite.folder, other.groupId, 'private');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'people.csv'), SECRET);
  writeFileSync(join(suite.folder, 'people.csv'), SECRET);
});
afterAll(() => suite.close());

const connect = (path: string) =>
  own.worker.extdatamodule.createConnection({ groupId: own.groupId, displayName: randomUUID(), type: 'file', settings: { path } });

/** What a user is shown of a connection. */
const look = async (path: string): Promise<string> => {
  const { connection } = await connect(path);
  const found = await own.worker.extdatamodule.testConnection({ connectionId: connection?.id ?? '' });
  return JSON.stringify(found, (_, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
};

test.each(['..', '../x', '/etc', 'a/../../x', './../x'])('the path %j is no setting', async (path) => {
  await expect(connect(path)).rejects.toMatchObject({ reason: 'SETTINGS_INVALID' });
});

test('the folder of another group, and a file in the file root, are not there', async () => {
  expect(await look(`${other.groupId}/private`)).toMatch(/FILE_MISSING/);
  mkdirSync(join(suite.folder, own.groupId, 'own'), { recursive: true });
  writeFileSync(join(suite.folder, own.groupId, 'own', 'mine.csv'), 'id\n1\n');
  expect(await look('own')).toContain('mine.csv');
  const root = await look('.');
  expect(root).toContain('mine.csv');
  expect(root).not.toContain('people.csv');
});

test.each(['../out', '/tmp/out', 'a/b', '.', 'x'.repeat(300)])('sample rows of a table named %j are refused', async (table) => {
  const { script } = await own.worker.script.createScript({
    groupId: own.groupId,
    displayName: randomUUID(),
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT 1 AS a',
    properties: { outputs: [{ name: 'a', type: 'integer' }] },
  });
  const tried = own.worker.script.testScript({ scriptId: script?.id ?? '', tables: [{ table, rows: [{ id: 'forged' }] }] });
  await expect(tried).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'tables[0].table' }] });
});

test('what uploads stage and remember is no source', async () => {
  mkdirSync(join(suite.folder, own.groupId, '.lethe'), { recursive: true });
  writeFileSync(join(suite.folder, own.groupId, '.lethe', 'staged.csv'), 'id\n1\n');
  const shown = await look('.lethe');
  expect(shown).toContain('PATH_OUTSIDE');
  expect(shown).not.toContain('staged');
});

test('a link out of the folder of the group is refused, as the folder and as a file', async () => {
  const folder = join(suite.folder, own.groupId, 'linked');
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(suite.folder, other.groupId, 'private'), join(folder, 'folder'));
  symlinkSync(join(suite.folder, other.groupId, 'private', 'people.csv'), join(folder, 'file.csv'));
  const shown = [await look('linked/folder'), await look('linked')].join('\n');
  expect(shown).toContain('PATH_OUTSIDE');
  expect(shown).toContain('"tables":[]');
  expect(shown).not.toContain('canary');
  expect(shown).not.toContain('people.csv');
});
