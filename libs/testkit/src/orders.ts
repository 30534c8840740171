// A module of two tables from Postgres to Postgres, through the public API: customers, and orders that refer to them.
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { randomBytes } from 'node:crypto';
import { Client } from 'pg';
import type { Suite, TestUser } from './suite.ts';

/** A module with its released task. `worker` is a maintainer of its group; `schema` is where sources lie, `published` where versions come. */
export type Orders = {
  groupId: string;
  worker: TestUser;
  schema: string;
  published: string;
  sourceId: string;
  targetId: string;
  moduleId: string;
  taskId: string;
};

/** Asks the suite's Postgres as its superuser. */
export const query = async <R extends Record<string, unknown>>(suite: Suite, statement: string): Promise<R[]> => {
  const client = new Client({ connectionString: suite.databaseUrl });
  await client.connect();
  try {
    return (await client.query<R>(statement)).rows;
  } finally {
    await client.end();
  }
};

/** The settings and the secret of a connection to the suite's Postgres. */
export const postgresAddress = (suite: Suite, schema: string) => {
  const { hostname, port, pathname, username, password } = new URL(suite.databaseUrl);
  return {
    type: 'postgres',
    settings: { host: hostname, port: Number(port), database: pathname.slice(1), user: decodeURIComponent(username), schema },
    secret: { values: { password: decodeURIComponent(password) } },
  };
};

const column = (name: string, base: string, role: string): Record<string, unknown> => ({
  name,
  datatype: { base },
  role,
  emptyStrategy: 'Ignore',
});

/** The module's document: each city must have 2 customers, or all become one. */
export const ordersDocument = (sourceId: string, targetId: string, mode: string): Record<string, unknown> => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'orders',
  description: 'Customers and their orders',
  tables: [
    {
      name: 'customers',
      columns: [column('id', 'integer', 'insensitive'), column('city', 'string', 'quasi-identifying')],
      primaryKey: ['id'],
      primaryKeyConflict: 'DropAllConflicting',
      requires: { k: 2, suppressionLimit: '0' },
    },
    {
      name: 'orders',
      columns: [
        column('number', 'integer', 'insensitive'),
        column('customer', 'integer', 'insensitive'),
        {
          ...column('amount', 'integer', 'insensitive'),
          datatype: { base: 'integer', minimum: '0' },
          rangeStrategy: 'DropRecord',
          emptyStrategy: 'DropRecord',
        },
      ],
      primaryKey: ['number'],
      primaryKeyConflict: 'DropAllConflicting',
      foreignKeys: [
        { columnReference: ['customer'], reference: { resource: 'customers', columnReference: ['id'] }, nullReference: 'keep' },
      ],
      privacy: 'none',
      noneReason: 'orders say nothing of who made them',
    },
  ],
  protocol: ['customers', 'orders'].map((table) => ({ table, rank: 1, connection: sourceId, tableRead: { table } })),
  upload: ['customers', 'orders'].map((table) => ({ table, connection: targetId, mode, target: table })),
  anonymization: {
    steps: [
      {
        table: 'customers',
        rank: 1,
        generalize: { generalized: [{ column: 'city', hierarchy: 'city' }], search: { metric: 'loss', aggregate: 'geometricMean' } },
      },
    ],
    hierarchies: [{ name: 'city', rows: ['Turin', 'Ghent'].map((city) => [city, '*']) }],
  },
});

const fill = (schema: string): string => `
  create schema ${schema};
  create table ${schema}.customers as select number as id, case when number % 2 = 0 then 'Turin' else 'Ghent' end as city from generate_series(1, 10) as number;
  create table ${schema}.orders as select number, (number - 1) % 10 + 1 as customer, number * 7 as amount from generate_series(1, 30) as number`;

/** A connection to the suite's Postgres, in a group of the worker. */
export const makePostgresConnection = async (suite: Suite, worker: TestUser, groupId: string, schema: string): Promise<string> => {
  const { connection } = await worker.extdatamodule.createConnection({
    groupId,
    displayName: `postgres ${schema}`,
    ...postgresAddress(suite, schema),
  });
  return connection?.id ?? '';
};

/** A group and a maintainer of it. */
export const makeWorker = async (suite: Suite): Promise<{ groupId: string; worker: TestUser }> => {
  const [groupId, worker] = [await suite.group(), await suite.user()];
  await suite.member(groupId, worker, Role.MAINTAINER);
  return { groupId, worker };
};

/** Fills the sources, and makes connections, module and released task. 10 customers in 2 cities, each with 3 orders. */
export const makeOrders = async (suite: Suite, mode: 'versioned' | 'replace'): Promise<Orders> => {
  const schema = `shop_${randomBytes(4).toString('hex')}`;
  const published = `${schema}_published`;
  await query(suite, `${fill(schema)}; create schema ${published}`);
  const { groupId, worker } = await makeWorker(suite);
  const sourceId = await makePostgresConnection(suite, worker, groupId, schema);
  const targetId = await makePostgresConnection(suite, worker, groupId, published);
  const document = ordersDocument(sourceId, targetId, mode);
  const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: schema, document });
  const moduleId = dataModule?.id ?? '';
  const { task } = await worker.task.createTask({ groupId, displayName: schema, moduleId });
  const taskId = task?.id ?? '';
  await worker.task.release({ taskId });
  return { groupId, worker, schema, published, sourceId, targetId, moduleId, taskId };
};
