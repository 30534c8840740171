// What scripts of extraction give: rows with columns, or documents of which each is a row.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { makePostgresConnection, makeWorker, query } from '@lethe/testkit/orders';
import { preparedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let worker: TestUser;
let groupId: string;
let sourceId: string;
let targetId: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
  await query(
    suite,
    `create schema scripted; create schema scripted_out;
     create table scripted.people (id int, amount numeric, tags text[]);
     insert into scripted.people values (1, 0.10, '{a,b}'), (2, null, null)`,
  );
  sourceId = await makePostgresConnection(suite, worker, groupId, 'scripted');
  targetId = await makePostgresConnection(suite, worker, groupId, 'scripted_out');
});
afterAll(() => suite.close());

const columns = (['integer', 'string', 'string'] as const).map((base, index) => ({
  name: ['id', 'amount', 'tags'][index],
  datatype: { base },
  role: 'insensitive',
}));

/** Runs a task whose one table is extracted by a query; returns its rows as texts. */
const extract = async (content: string): Promise<(string | null)[][]> => {
  const displayName = randomUUID();
  const document = {
    '@context': 'urn:lethe:context:1',
    '@type': ['Dataset', 'DataModule'],
    name: 'scripted',
    tables: [{ name: 'people', columns, privacy: 'none', noneReason: 'made up for a test' }],
    upload: [{ table: 'people', connection: targetId, mode: 'versioned', target: `people_${displayName.slice(0, 8)}` }],
  };
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName, document });
  const { task } = await worker.task.createTask({ groupId, displayName, moduleId: dataModule?.id ?? '' });
  const taskId = task?.id ?? '';
  const language = Script_Language.SQL;
  const { script } = await worker.script.createScript({ groupId, displayName, type: Script_Type.EXTRACTION, language, content });
  const scriptId = script?.id ?? '';
  await worker.script.releaseScript({ scriptId, version: 1 });
  const binding = { table: 'people', script: { scriptId, version: 0 }, connectionId: sourceId, rank: 1, parameters: {} };
  await worker.task.updateExtractionScript({ taskId, bindings: [binding], etag: '*' });
  await worker.task.release({ taskId });
  const runId = await preparedRun(worker, taskId);
  const { entries } = await worker.data.getAll({ runId });
  const { rows } = await worker.data.readRows({ entryId: entries[0]?.id ?? '' });
  return rows.map(({ cells }) => cells.map(({ value }) => (value?.$case === 'null' ? null : String(value?.value))));
};

const ROWS = [
  ['1', '0.10', '["a","b"]'],
  ['2', null, null],
];
// As Postgres writes an array that is no part of a document.
const COLUMNS = [
  ['1', '0.10', '{a,b}'],
  ['2', null, null],
];

test.each([
  ['rows with columns', 'select id, amount, tags from scripted.people order by id', COLUMNS],
  ['one json document a row', 'select row_to_json(people) from scripted.people order by id', ROWS],
  ['one document that is an array of all rows', 'select json_agg(people order by id) from scripted.people', ROWS],
  ['an aggregate of no rows', 'select json_agg(people) from scripted.people where false', []],
  [
    'documents without a member',
    `select jsonb_build_object('id', id) from scripted.people order by id`,
    [
      ['1', null, null],
      ['2', null, null],
    ],
  ],
])('a query may give %s', async (_, content, rows) => {
  expect(await extract(content)).toEqual(rows);
});

test('documents that are no objects are refused, with their number', async () => {
  await expect(extract(`select to_json(id) from scripted.people union all select '{"id": 3}'`)).rejects.toThrow(
    /people: 2 lines of the script's output are not objects/,
  );
});

test('a query that lacks a column is refused before a row is read', async () => {
  await expect(extract('select id, tags from scripted.people')).rejects.toThrow(
    /no such column|column that does not exist|names a column/i,
  );
});
