// What the other services ask of DataManager, through the wire with tokens as they sign them.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { makeOrders, postgresAddress, type Orders } from '@lethe/testkit/orders';
import { preparedRun } from '@lethe/testkit/runs';
import { startSuite, type Clients, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

// The status of gRPC.
const PERMISSION_DENIED = 7;

let suite: Suite;
let orders: Orders;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());

const as = async (service: 'task' | 'script' | 'extdatamodule', runId = ''): Promise<Clients> =>
  suite.clients(await suite.serviceToken(service, { audience: 'data', groupId: orders.groupId, runId }));

describe('GetExecution', () => {
  test('returns what is known of a run', async () => {
    const runId = await preparedRun(orders.worker, orders.taskId);
    const { execution } = await (await as('task', runId)).data.getExecution({ runId });
    expect(execution).toMatchObject({ runId, state: RunState.PREPARED, entryCount: 2, refusal: '', error: '' });
    expect(execution?.tables.map(({ table, storedCount }) => [table, storedCount])).toEqual([
      ['customers', 10n],
      ['orders', 30n],
    ]);
  });

  test('fails with NOT_FOUND for a run that nobody requested', async () => {
    const runId = randomUUID();
    await expect((await as('task', runId)).data.getExecution({ runId })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  });

  test('is refused to users, whatever their role', async () => {
    for (const { data } of [orders.worker, suite.admin])
      await expect(data.getExecution({ runId: randomUUID() })).rejects.toMatchObject({
        code: PERMISSION_DENIED,
        reason: 'SERVICE_ONLY',
      });
  });
});

describe('TestRows', () => {
  const people = {
    table: 'people',
    rows: [
      { name: 'Ada', age: 36 },
      { name: 'Alan', age: 41 },
      { name: null, age: 7 },
    ],
    columns: [],
  };

  test('runs SQL over the given tables', async () => {
    const content = 'SELECT name, age + 1 AS age FROM people WHERE name IS NOT NULL ORDER BY age';
    const { rows, error } = await (await as('script')).data.testRows({ language: 'SQL', content, tables: [people], table: 'people' });
    expect(error).toBe('');
    expect(rows).toEqual([
      { name: 'Ada', age: '37' },
      { name: 'Alan', age: '42' },
    ]);
  });

  test('runs TypeScript row by row: rows are changed, dropped and multiplied', async () => {
    const content = `export default (row: { name: string | null; age: number }) =>
      row.name === null ? null : row.age > 40 ? [row, { ...row, age: 0 }] : { ...row, age: row.age * 2 };`;
    const { rows, error } = await (
      await as('script')
    ).data.testRows({ language: 'TYPESCRIPT', content, tables: [people], table: 'people' });
    expect(error).toBe('');
    expect(rows).toEqual([
      { name: 'Ada', age: 72 },
      { name: 'Alan', age: 41 },
      { name: 'Alan', age: 0 },
    ]);
  });

  test('returns an error without values', async () => {
    const { data } = await as('script');
    const sql = await data.testRows({ language: 'SQL', content: 'SELECT CAST(name AS INTEGER) AS name FROM people', tables: [people] });
    expect(sql.rows).toEqual([]);
    expect(sql.error).not.toBe('');
    expect(sql.error).not.toMatch(/Ada|Alan/);
    const content = '\n\nexport default (row) => { throw new Error(`bad ${row.name}`); };';
    const typescript = await data.testRows({ language: 'TYPESCRIPT', content, tables: [people], table: 'people' });
    expect(typescript.errorLine).toBe(3);
    expect(typescript.error).not.toMatch(/Ada|Alan/);
  });

  test.each([
    ['SQL', "SELECT repeat('x', 600000) AS name, 1 AS age FROM people LIMIT 1"],
    ['TYPESCRIPT', "export default () => ({ name: 'x'.repeat(600_000), age: 1 })"],
  ])('returns no more than 512 KiB: %s', async (language, content) => {
    const found = await (await as('script')).data.testRows({ language, content, tables: [people], table: 'people' });
    expect([found.rows, found.error]).toEqual([[], expect.stringMatching(/^SCRIPT_OUTPUT: /)]);
  });

  test.each([
    ["JSON.stringify = () => 'null'; export default (row) => row;", ''],
    ['export default (row) => { let deep = {}; for (let at = 0; at < 1_000; at += 1) deep = { deep }; return deep; };', 'SCRIPT_FAILED: '],
  ])('returns no row that is none: %s', async (content, error) => {
    const found = await (await as('script')).data.testRows({ language: 'TYPESCRIPT', content, tables: [people], table: 'people' });
    expect(found.error.slice(0, 15)).toBe(error);
  });

  test('refuses rows of more names than a table has columns, and returns no more than 1,000 rows', async () => {
    const { data } = await as('script');
    const wide = Array.from({ length: 1_000 }, (_, row) => Object.fromEntries([0, 1].map((name) => [`c${row}_${name}`, null])));
    const tables = [{ table: 't', rows: wide, columns: [] }];
    await expect(data.testRows({ language: 'SQL', content: 'SELECT 1 AS name', tables })).rejects.toMatchObject({
      reason: 'INVALID_REQUEST',
    });
    const many = 'export default (row) => Array.from({ length: 900 }, () => ({}));';
    expect((await data.testRows({ language: 'TYPESCRIPT', content: many, tables: [people], table: 'people' })).rows).toHaveLength(1_000);
  });

  test('reads a column with a name that every object has', async () => {
    const tables = [
      { table: 't', rows: [JSON.parse('{"constructor": "a"}'), JSON.parse('{"toString": "b"}')] as Record<string, unknown>[], columns: [] },
    ];
    const content = 'SELECT "constructor" AS name, "toString" AS other FROM t ORDER BY 1 NULLS LAST';
    const { rows, error } = await (await as('script')).data.testRows({ language: 'SQL', content, tables });
    expect([error, rows]).toEqual([
      '',
      [
        { name: 'a', other: null },
        { name: null, other: 'b' },
      ],
    ]);
  });

  test('lets SQL see no file', async () => {
    const { data } = await as('script');
    const content = "SELECT * FROM read_text('/etc/passwd')";
    const { rows, error } = await data.testRows({ language: 'SQL', content, tables: [people] });
    expect(rows).toEqual([]);
    expect(error).not.toBe('');
  });
});

describe('DescribeConnection', () => {
  const describeWith = async (password?: string) => {
    const { type, settings, secret } = postgresAddress(suite, orders.schema);
    const connection = Connection.fromPartial({ id: randomUUID(), groupId: orders.groupId, type, settings });
    const { data } = await as('extdatamodule');
    return data.describeConnection({ connection, secret: password === undefined ? secret : { values: { password } } });
  };

  test('lists the tables of a database with their columns', async () => {
    const found = await describeWith();
    expect(found).toMatchObject({ reachable: true, error: '', truncated: false });
    const table = found.tables.find(({ name, schema }) => schema === orders.schema && name === 'orders');
    expect(table?.columns.map(({ name }) => name)).toEqual(['number', 'customer', 'amount']);
  });

  test('reports that a store does not let it in, without the secret', async () => {
    const found = await describeWith('not-the-password');
    expect(found).toMatchObject({ reachable: false, tables: [] });
    expect(found.error).not.toBe('');
    expect(found.error).not.toContain('not-the-password');
  });
});
