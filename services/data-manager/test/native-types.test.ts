// Columns that have at a postgres target the types that their source has.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { makePostgresConnection, makeWorker, query } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, startRun, uploadedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let worker: TestUser;
let groupId: string;
let source: string;
let target: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
  await query(
    suite,
    `create schema typed; create schema typed_out; create type typed.mood as enum ('calm', 'loud');
     create table typed.odd (id int primary key, small smallint, big bigint, code char(4), name varchar(12), amount numeric, price numeric(8,2), ratio real,
       mood typed.mood, span interval, tags text[], counts int[], doc json, docb jsonb, guid uuid, addr inet, net cidr, mac macaddr, bits bit(3),
       seen timestamp(0) with time zone, told time with time zone);
     insert into typed.odd values
       (1, -7, 9007199254740993, 'ab', 'Æ "x"', 12345678901234567890.123456789, 12.50, 0.1, 'calm', '1 year 2 mons 3 days 04:05:06.7', '{a,"b c",NULL}', '{1,2}',
        '{"b":1, "a":1}', '{"b":1, "a":1}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '101',
        '2024-02-29 10:00:00+02', '10:00:00+02'),
       (2, null, null, null, null, 'NaN', null, null, null, '-1 days +02:03:00', '{}', null, null, null, null, '::1', null, null, null, null, null);
     alter table typed.odd add long_name text, add money text, add negative text, add ratios text, add fine text, add days text, add halves text, add twice text, add large text,
       add spelled_money text, add spelled_counts text, add spelled_addr text, add spelled_span text;
     update typed.odd set long_name = repeat('x', 100), money = '1.239', negative = '-1', ratios = '{0.1,16777217}', fine = '10:00:00.1234567', days = '{"2024-01-01 10:00"}', halves = '{0.12345678901234567890123}', twice = '{"a":1,"a":2}', large = '{1234567,0.1}',
       spelled_money = '$1,234.5', spelled_counts = '{1, 2}', spelled_addr = '10.0.0.1/32', spelled_span = '1.5 hours' where id = 1;`,
  );
  source = await makePostgresConnection(suite, worker, groupId, 'typed');
  target = await makePostgresConnection(suite, worker, groupId, 'typed_out');
});
afterAll(() => suite.close());

type Typed = { name: string; base: string; native: string; fractionDigits?: number };

const TYPES: Typed[] = [
  { name: 'id', base: 'integer', native: 'integer' },
  { name: 'small', base: 'integer', native: 'smallint' },
  { name: 'big', base: 'integer', native: 'bigint' },
  { name: 'code', base: 'string', native: 'character(4)' },
  { name: 'name', base: 'string', native: 'character varying(12)' },
  { name: 'amount', base: 'string', native: 'numeric' },
  { name: 'price', base: 'decimal', fractionDigits: 2, native: 'numeric(8,2)' },
  { name: 'ratio', base: 'double', native: 'real' },
  { name: 'mood', base: 'string', native: 'typed.mood' },
  { name: 'span', base: 'string', native: 'interval' },
  { name: 'tags', base: 'string', native: 'text[]' },
  { name: 'counts', base: 'string', native: 'integer[]' },
  { name: 'doc', base: 'json', native: 'json' },
  { name: 'docb', base: 'json', native: 'jsonb' },
  { name: 'guid', base: 'uuid', native: 'uuid' },
  { name: 'addr', base: 'string', native: 'inet' },
  { name: 'net', base: 'string', native: 'cidr' },
  { name: 'mac', base: 'string', native: 'macaddr' },
  { name: 'bits', base: 'string', native: 'bit(3)' },
  { name: 'seen', base: 'dateTimeStamp', native: 'timestamp(0) with time zone' },
  { name: 'told', base: 'string', native: 'time with time zone' },
];

/** A released task that uploads columns of the source, with their native types or others. */
const taskOf = async (name: string, types: readonly Typed[]): Promise<string> => {
  const columns = types.map(({ name: column, ...datatype }) => ({ name: column, datatype, role: 'insensitive' }));
  const document = {
    '@context': 'urn:lethe:context:1',
    '@type': ['Dataset', 'DataModule'],
    name,
    tables: [
      {
        name: 'odd',
        columns,
        primaryKey: ['id'],
        primaryKeyConflict: 'DropAllConflicting',
        privacy: 'none',
        noneReason: 'made up for a test',
      },
    ],
    protocol: [{ table: 'odd', rank: 1, connection: source, tableRead: { table: 'odd' } }],
    upload: [{ table: 'odd', connection: target, mode: 'versioned', target: name }],
  };
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: name, document });
  const { task } = await worker.task.createTask({ groupId, displayName: name, moduleId: dataModule?.id ?? '' });
  await worker.task.release({ taskId: task?.id ?? '' });
  return task?.id ?? '';
};

const typesOf = (relation: string): Promise<{ name: string; type: string }[]> =>
  query(
    suite,
    `select attname as name, format_type(atttypid, atttypmod) as type from pg_attribute where attrelid = '${relation}'::regclass and attnum > 0 order by attnum`,
  );

test('a column has the type of its source, with every value', async () => {
  const taskId = await taskOf('kept', TYPES);
  await uploadedRun(worker, taskId);
  expect(await typesOf('typed_out.kept')).toEqual((await typesOf('typed.odd')).slice(0, TYPES.length));
  const texts = `select ${TYPES.map(({ name }) => `${name}::text`).join(', ')} from`;
  expect(await query(suite, `${texts} typed_out.kept order by id`)).toEqual(await query(suite, `${texts} typed.odd order by id`));
  const again = await uploadedRun(worker, taskId);
  expect((await worker.task.getRun({ runId: again })).run?.publishedVersion).toBe('1.0.1');
});

test('a column without one has the target’s type for its base type, and the text that the server writes', async () => {
  const plain = TYPES.filter(({ name }) => ['id', 'small', 'span', 'tags'].includes(name)).map(({ name, base }) => ({
    name,
    base,
    native: '',
  }));
  await uploadedRun(worker, await taskOf('plain', plain));
  expect(await query(suite, 'select * from typed_out.plain order by id')).toEqual([
    { id: '1', small: '-7', span: '1 year 2 mons 3 days 04:05:06.7', tags: '{a,"b c",NULL}' },
    { id: '2', small: null, span: '-1 days +02:03:00', tags: '{}' },
  ]);
});

test.each([
  [
    'a type that the target does not have is told before a row is read',
    { name: 'mood', base: 'string', native: 'typed.colour' },
    'TARGET_TYPE_MISSING',
  ],
  ['words that are no type are none', { name: 'mood', base: 'string', native: 'text unique' }, 'TARGET_TYPE_MISSING'],
  [
    'a text that is too long is found before the review',
    { name: 'name', base: 'string', native: 'character varying(3)' },
    'TARGET_CANNOT_HOLD',
  ],
  ['a number that is too large is found before the review', { name: 'big', base: 'integer', native: 'integer' }, 'TARGET_CANNOT_HOLD'],
])('%s', async (_, typed, reason) => {
  const taskId = await taskOf(`refused_${typed.native.replace(/\W/g, '_')}`, [{ name: 'id', base: 'integer', native: '' }, typed]);
  const runId = await startRun(worker, taskId);
  await expect(waitFor(worker, runId, RunState.PREPARED)).rejects.toThrow('FAILED');
  expect((await worker.task.getRun({ runId })).run?.errorInfo).toMatchObject({ reason });
});

test.each([
  ['amount', 'numeric(30,2)', 1],
  ['long_name', 'name', 1],
  ['money', 'money', 1],
  ['negative', 'oid', 1],
  ['ratios', 'real[]', 1],
  ['span', 'interval day to minute', 1],
  ['fine', 'interval', 1],
  ['fine', 'time with time zone', 1],
  ['days', 'date[]', 1],
  ['halves', 'double precision[]', 1],
  ['twice', 'jsonb', 1],
])('a value of column %s that %s would cut, round or wrap is refused by the upload, with its count', async (name, native, count) => {
  const taskId = await taskOf(`lossy_${name}_${native.replace(/\W/g, '_')}`, [
    { name: 'id', base: 'integer', native: '' },
    { name, base: 'string', native },
  ]);
  const runId = await preparedRun(worker, taskId);
  await confirmUpload(worker, runId);
  await expect
    .poll(async () => (await worker.task.getRun({ runId })).run?.refusal, { timeout: 20_000 })
    .toContain(`column ${name}: ${count} values that ${native} does not hold`);
});

test('values that are spelled otherwise than their type writes them are no loss', async () => {
  const columns = [
    { name: 'id', base: 'integer', native: '' },
    { name: 'large', base: 'string', native: 'real[]' },
    { name: 'spelled_money', base: 'string', native: 'money' },
    { name: 'spelled_counts', base: 'string', native: 'integer[]' },
    { name: 'spelled_addr', base: 'string', native: 'inet' },
    { name: 'spelled_span', base: 'string', native: 'interval' },
  ];
  await uploadedRun(worker, await taskOf('spelled', columns));
  expect(
    await query(suite, 'select spelled_money::text, spelled_counts::text, spelled_span::text from typed_out.spelled where id = 1'),
  ).toEqual([{ spelled_money: '$1,234.50', spelled_counts: '{1,2}', spelled_span: '01:30:00' }]);
});
