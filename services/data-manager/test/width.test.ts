// A table of a thousand columns goes through within the memory of the engine.
import { makePostgresConnection, makeWorker, query } from '@lethe/testkit/orders';
import { uploadedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';

/** As many rows as the nightly setting says: there the engine has its usual memory, here it has less. */
const ROWS = Number(process.env['LETHE_TEST_WIDTH'] ?? 5_000);
const COLUMNS = 1_000;
const MEMORY_MB = ROWS > 20_000 ? 512 : 384;
const LIMIT_MS = ROWS > 20_000 ? 3_600_000 : 240_000;

const KINDS = [
  { base: 'integer', sql: (index: number) => `(n * ${index + 1}) % 100003`, type: 'int' },
  { base: 'string', sql: (index: number) => `'v' || (n + ${index}) % 977`, type: 'text' },
  { base: 'date', sql: (index: number) => `date '2020-01-01' + ((n + ${index}) % 2000)::int`, type: 'date' },
  { base: 'boolean', sql: (index: number) => `(n + ${index}) % 3 = 0`, type: 'boolean' },
] as const;

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ settings: { LETHE_ENGINE_MEMORY_MB: String(MEMORY_MB) } });
});
afterAll(() => suite.close());

const kindOf = (index: number) => KINDS[index % KINDS.length] ?? KINDS[0];
const columns = Array.from({ length: COLUMNS }, (_, index) => ({
  name: index === 0 ? 'id' : `c${index}`,
  datatype: { base: kindOf(index).base },
  role: 'insensitive',
}));

test(
  'a table of 1,000 columns is uploaded within the memory of the engine, with every value',
  async () => {
    const { worker, groupId } = await makeWorker(suite);
    const cells = Array.from({ length: COLUMNS }, (_, index) =>
      index === 0 ? 'n::int as id' : `(${kindOf(index).sql(index)})::${kindOf(index).type} as c${index}`,
    );
    await query(
      suite,
      `create schema wide; create schema wide_out; create table wide.measurements as select ${cells.join(', ')} from generate_series(1, ${ROWS}) as n`,
    );
    const source = await makePostgresConnection(suite, worker, groupId, 'wide');
    const target = await makePostgresConnection(suite, worker, groupId, 'wide_out');
    const document = {
      '@context': 'urn:lethe:context:1',
      '@type': ['Dataset', 'DataModule'],
      name: 'wide',
      tables: [
        {
          name: 'measurements',
          columns,
          primaryKey: ['id'],
          primaryKeyConflict: 'DropAllConflicting',
          privacy: 'none',
          noneReason: 'made up for a test',
        },
      ],
      protocol: [{ table: 'measurements', rank: 1, connection: source, tableRead: { table: 'measurements' } }],
      upload: [{ table: 'measurements', connection: target, mode: 'versioned', target: 'measurements' }],
    };
    const { dataModule } = await worker.extdatamodule.createDataModule({ groupId, displayName: 'wide', document });
    const { task } = await worker.task.createTask({ groupId, displayName: 'wide', moduleId: dataModule?.id ?? '' });
    await worker.task.release({ taskId: task?.id ?? '' });
    await uploadedRun(worker, task?.id ?? '');
    const names = columns.map(({ name }) => name).join(', ');
    const [different] = await query<{ count: number }>(
      suite,
      `select count(*)::int as count from ((select ${names} from wide.measurements) except (select ${names} from wide_out.measurements)) as missing`,
    );
    expect(different?.count).toBe(0);
    expect(await query(suite, 'select count(*)::int as count from wide_out.measurements')).toEqual([{ count: ROWS }]);
  },
  LIMIT_MS,
);
