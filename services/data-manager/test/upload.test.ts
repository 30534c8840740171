// Uploads to Postgres through the wire: what arrives, under which version, and what a failure in the middle leaves.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { DataModuleVersion_State } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { armFailpoint, disarmFailpoints } from '@lethe/db/failpoint';
import { makeOrders, query, type Orders } from '@lethe/testkit/orders';
import { makePeople } from '@lethe/testkit/people';
import { confirmUpload, preparedRun, uploadedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { makeVisits } from '@lethe/testkit/visits';
import { randomUUID } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { stageError } from '../src/domain/run-error.ts';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite();
});
afterAll(() => suite.close());
afterEach(() => disarmFailpoints());

const relations = async (schema: string): Promise<string[]> => {
  const rows = await query<{ relkind: string; relname: string }>(
    suite,
    `select relkind, relname from pg_class where relnamespace = '${schema}'::regnamespace and relkind in ('r', 'v') order by relname`,
  );
  return rows.map(({ relkind, relname }) => `${relkind} ${relname}`);
};

const numbers = async ({ published }: Orders, table = 'orders'): Promise<number[]> =>
  (await query<{ number: number }>(suite, `select number::int as number from ${published}.${table} order by number`)).map(
    ({ number }) => number,
  );

const ledger = (runId: string) =>
  query<{ version: string; tables: { table: string; rowCount: number }[] }>(
    suite,
    `select version, tables from lethe_upload.ledger where run_id = '${runId}'`,
  );

const staged = async (): Promise<string[]> => (await relations('lethe_upload')).filter((name) => name.includes(' u_'));

const refusalOf = async ({ worker }: Orders, runId: string): Promise<string> => {
  await expect.poll(async () => (await worker.task.getRun({ runId })).run?.refusal, { timeout: 20_000 }).not.toBe('');
  return (await worker.task.getRun({ runId })).run?.refusal ?? '';
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

/** The tables that the document of a version is collected from. */
const collectedFrom = async ({ worker, moduleId }: Orders, version: string): Promise<string[]> => {
  const published = await worker.extdatamodule.getDataModuleVersion({ moduleId, version });
  const entries = published.version?.document?.['protocol'] as { tableRead: { table: string } }[];
  return entries.map(({ tableRead }) => tableRead.table);
};

const publishedBy = async ({ worker }: Orders, runId: string): Promise<string> =>
  (await worker.task.getRun({ runId })).run?.publishedVersion ?? '';

describe('mode VERSIONED', () => {
  let orders: Orders;
  let runId: string;
  beforeAll(async () => {
    orders = await makeOrders(suite, 'versioned');
    runId = await uploadedRun(orders.worker, orders.taskId);
  });

  test('the rows arrive in a table of the version, with a view on it, and nothing is left of the staging', async () => {
    expect(await relations(orders.published)).toEqual(['v customers', 'r customers__1_0_0', 'v orders', 'r orders__1_0_0']);
    expect(await numbers(orders)).toEqual(upTo(30));
    expect(
      await query(suite, `select city, count(*)::int as count from ${orders.published}.customers group by city order by city`),
    ).toEqual([
      { city: 'Ghent', count: 5 },
      { city: 'Turin', count: 5 },
    ]);
    expect(await staged()).toEqual([]);
  });

  test('the ledger has one row of the upload, with the counts of both tables', async () => {
    const rows = await ledger(runId);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({
      version: '1.0.0',
      tables: [
        { table: 'customers', rowCount: 10 },
        { table: 'orders', rowCount: 30 },
      ],
    });
  });

  test('the document of the version collects the tables of the version, never the view', async () => {
    expect(await collectedFrom(orders, '1.0.0')).toEqual(['customers__1_0_0', 'orders__1_0_0']);
  });

  test('the same rows are a PATCH, rows added a MINOR, rows changed a MAJOR; earlier versions stay', async () => {
    expect(await publishedBy(orders, await uploadedRun(orders.worker, orders.taskId))).toBe('1.0.1');
    await query(suite, `insert into ${orders.schema}.orders values (31, 1, 5)`);
    expect(await publishedBy(orders, await uploadedRun(orders.worker, orders.taskId))).toBe('1.1.0');
    await query(suite, `update ${orders.schema}.orders set amount = 6 where number = 31`);
    expect(await publishedBy(orders, await uploadedRun(orders.worker, orders.taskId))).toBe('2.0.0');
    expect(await numbers(orders)).toEqual(upTo(31));
    expect(await numbers(orders, 'orders__1_0_1')).toEqual(upTo(30));
  });

  test('a table that no upload made is not replaced: the upload is refused, and the table stays', async () => {
    const blocked = await makeOrders(suite, 'versioned');
    const id = await preparedRun(blocked.worker, blocked.taskId);
    await query(suite, `create table ${blocked.published}.orders as select 1 as number`);
    await confirmUpload(blocked.worker, id);
    expect(await refusalOf(blocked, id)).toContain(`${blocked.published}.orders exists at the target`);
    expect(await relations(blocked.published)).toEqual(['r orders']);
    expect(await numbers(blocked)).toEqual([1]);
  });

  test('before a row is read, a run tells all names that are taken at once', async () => {
    const blocked = await makeOrders(suite, 'versioned');
    await query(suite, `create table ${blocked.published}.orders as select 1 as number`);
    await query(suite, `create view ${blocked.published}.customers as select 1 as number`);
    await expect(preparedRun(blocked.worker, blocked.taskId)).rejects.toThrow(
      new RegExp(
        `2 things are wrong before the first row is read.*${blocked.published}\\.(orders|customers) .*${blocked.published}\\.(orders|customers) `,
      ),
    );
  });
});

describe('what readers have at the target', () => {
  const asReader = `reader_${randomUUID().slice(0, 8)}`;
  beforeAll(async () => {
    await query(suite, `create role ${asReader}`);
  });

  test.each(['versioned', 'replace'] as const)('in mode %s, grants, views and comments survive the next version', async (mode) => {
    const orders = await makeOrders(suite, mode);
    await uploadedRun(orders.worker, orders.taskId);
    const { published } = orders;
    await query(suite, `grant select on ${published}.orders to ${asReader}`);
    await query(suite, `comment on ${mode === 'replace' ? 'table' : 'view'} ${published}.orders is 'of somebody'`);
    await query(suite, `insert into ${orders.schema}.orders values (31, 1, 5)`);
    await uploadedRun(orders.worker, orders.taskId);
    await query(suite, `create view ${published}.report as select count(*)::int as n from ${published}.orders`);
    await query(suite, `insert into ${orders.schema}.orders values (32, 1, 5)`);
    await uploadedRun(orders.worker, orders.taskId);
    expect(await query(suite, `select n from ${published}.report`)).toEqual([{ n: 32 }]);
    expect(
      await query(
        suite,
        `select has_table_privilege('${asReader}', '${published}.orders', 'select') as may, obj_description('${published}.orders'::regclass) as text`,
      ),
    ).toEqual([{ may: true, text: 'of somebody' }]);
  });

  test('the uploaded tables have their keys, and references between them', async () => {
    const orders = await makeOrders(suite, 'versioned');
    await uploadedRun(orders.worker, orders.taskId);
    const found = await query<{ kind: string; relation: string }>(
      suite,
      `select contype::text as kind, conrelid::regclass::text as relation from pg_constraint
       where connamespace = '${orders.published}'::regnamespace and contype in ('p', 'f') order by 2, 1`,
    );
    expect(found.map(({ kind, relation }) => `${kind} ${relation.split('.').at(-1) ?? ''}`)).toEqual([
      'p customers__1_0_0',
      'f orders__1_0_0',
      'p orders__1_0_0',
    ]);
  });
});

describe('mode REPLACE', () => {
  test('the newest version has the table of the name, without views, and its document collects that', async () => {
    const orders = await makeOrders(suite, 'replace');
    await uploadedRun(orders.worker, orders.taskId);
    await query(suite, `insert into ${orders.schema}.orders values (31, 1, 5)`);
    const runId = await uploadedRun(orders.worker, orders.taskId);
    expect(await publishedBy(orders, runId)).toBe('1.1.0');
    expect(await relations(orders.published)).toEqual(['r customers', 'r orders']);
    expect(await numbers(orders)).toEqual(upTo(31));
    expect(await collectedFrom(orders, '1.1.0')).toEqual(['customers', 'orders']);
  });
});

describe('a failure in the middle of an upload', () => {
  let orders: Orders;
  let runId: string;
  beforeEach(async () => {
    orders = await makeOrders(suite, 'versioned');
    runId = await preparedRun(orders.worker, orders.taskId);
  });

  /** Ends the sessions of uploads, as a server that goes down does. */
  const cutSessions = async (): Promise<void> => {
    const ended = await query(
      suite,
      `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'lethe' and datname = current_database()`,
    );
    expect(ended.length).toBeGreaterThan(0);
  };

  test.each(['upload.target.begin.before', 'upload.target.commit.before', 'upload.target.commit.after'])(
    'at %s, where the target goes away: the upload ends by itself, and each row is there once',
    async (name) => {
      let hits = 0;
      armFailpoint(name, async () => {
        hits += 1;
        await cutSessions();
      });
      await confirmUpload(orders.worker, runId);
      expect(await waitFor(orders.worker, runId, RunState.UPLOADED)).toMatchObject({ publishedVersion: '1.0.0' });
      expect(hits).toBe(1);
      expect(await numbers(orders)).toEqual(upTo(30));
      expect(await ledger(runId)).toHaveLength(1);
      expect(await relations(orders.published)).toEqual(['v customers', 'r customers__1_0_0', 'v orders', 'r orders__1_0_0']);
      expect(await staged()).toEqual([]);
    },
  );

  test('that ends each try leaves the rows of one try at the target, however often it is tried', async () => {
    const counts: number[] = [];
    const fail = (hits: number): void =>
      armFailpoint('upload.target.begin.before', async () => {
        counts.push((await staged()).length);
        await query(suite, `update lethe_data.executions set attempt = 0 where run_id = '${runId}'`);
        if (hits > 1) fail(hits - 1);
        throw stageError('ENGINE_DIED');
      });
    fail(3);
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect(counts).toEqual([2, 2, 2]);
    expect(await staged()).toEqual([]);
  });

  test('after the version is published: the run ends as uploaded, with that one version', async () => {
    armFailpoint('version.bump.after', () => {
      throw stageError('ENGINE_DIED');
    });
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    const { versions } = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId: orders.moduleId, showAll: true });
    expect(versions).toMatchObject([{ version: '1.0.0', state: DataModuleVersion_State.PUBLISHED }]);
    expect(await numbers(orders)).toEqual(upTo(30));
  });

  test('that is final: the run waits again, the version is given up, readers see nothing, and the next upload goes through', async () => {
    armFailpoint('upload.target.begin.before', () => {
      throw Object.assign(new Error('denied'), { code: '42501' });
    });
    await confirmUpload(orders.worker, runId);
    await expect
      .poll(async () => (await orders.worker.task.getRun({ runId })).run?.refusal, { timeout: 20_000 })
      .toBe(`Connection postgres ${orders.published}: Publishing failed: the role of the connection lacks a right that this needs.`);
    expect(await relations(orders.published)).toEqual([]);
    const given = await orders.worker.extdatamodule.listDataModuleVersions({ moduleId: orders.moduleId, showAll: true });
    expect(given.versions).toMatchObject([{ state: DataModuleVersion_State.ABANDONED }]);
    await confirmUpload(orders.worker, runId);
    await waitFor(orders.worker, runId, RunState.UPLOADED);
    expect(await numbers(orders)).toEqual(upTo(30));
    expect(await ledger(runId)).toHaveLength(1);
    expect(await staged()).toEqual([]);
  });
});

describe('to files', () => {
  test('after a failure before the renames: the next try publishes, and leaves nothing of either', async () => {
    const people = await makePeople(suite);
    const visits = await makeVisits(suite, people.editor, people.groupId);
    const runId = await preparedRun(people.manager, visits.taskId);
    armFailpoint('upload.target.commit.before', () => {
      throw stageError('ENGINE_DIED');
    });
    await confirmUpload(people.manager, runId);
    await waitFor(people.manager, runId, RunState.UPLOADED);
    const names = readdirSync(visits.folder, { recursive: true, encoding: 'utf8' }).filter((name) => !name.startsWith('visits'));
    expect(names.filter((name) => name.endsWith('.csv'))).toEqual(['published__1_0_0.csv']);
    expect(names.filter((name) => name.startsWith('.lethe/')).map((name) => name.replace(/^.*\./, ''))).toEqual(['json']);
  });
});
