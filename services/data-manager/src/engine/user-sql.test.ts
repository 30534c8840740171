import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { EngineError } from './engine-error.ts';
import { openEngine } from './engine.ts';
import { runUserSql, type UserSqlOptions, type UserTable } from './user-sql.ts';

let root: string;
let table: UserTable;
let count = 0;

const hashFile = async (path: string): Promise<string> =>
  createHash('sha256')
    .update(await readFile(path))
    .digest('hex');

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'lethe-user-'));
  const engine = await openEngine({ directory: root });
  const path = join(root, 'people.parquet');
  await engine.copyOut("SELECT range AS row_id, range AS id, 'name ' || range AS name FROM range(5)", path, 'parquet');
  await engine.close();
  const columns = [
    { name: 'id', type: 'BIGINT' },
    { name: 'name', type: 'VARCHAR' },
  ];
  table = { name: 'people', columns, files: [{ path, sha256: await hashFile(path) }] };
  await writeFile(join(root, 'other.csv'), 'planted-4711\n');
});

afterAll(() => rm(root, { recursive: true, force: true }));

const run = async (statement: string, rest: Partial<UserSqlOptions> = {}) => {
  count += 1;
  const directory = join(root, `step${count}`);
  await mkdir(directory);
  const options = { directory, statement, tables: [table], parameters: {}, hashFile, signal: new AbortController().signal, ...rest };
  return runUserSql(options, async ({ engine, table: result, columns }) => ({ columns, rows: (await engine.sql(`FROM ${result}`)).rows }));
};

const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((reason: unknown) => reason);

describe('what a statement may do', () => {
  it('sees the tables by name, their columns and nothing more', async () => {
    const { rows, columns } = await run('SELECT * FROM People WHERE id >= 3 ORDER BY id; -- the end');
    expect(columns).toEqual(table.columns);
    expect(rows).toEqual([
      ['3', 'name 3'],
      ['4', 'name 4'],
    ]);
  });

  it.each([
    [
      'joins, windows, subqueries and pure functions',
      `WITH big AS (SELECT id, upper(name) AS name FROM people WHERE id > 2), bigger AS (FROM big)
       SELECT a.id, row_number() OVER (ORDER BY a.id) AS n, (SELECT max(id) FROM people) AS top, list_transform([1], x -> x + 1)[1] AS two
       FROM bigger a JOIN people b USING (id) WHERE EXISTS (SELECT 1 FROM range(2)) AND a.id IN (SELECT unnest([3, 4])) ORDER BY 1`,
      2,
    ],
    ['recursive expressions', 'WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 4) FROM r', 4],
    ['set operations and values', "SELECT id, 'x' FROM people UNION ALL VALUES (9, 'y')", 6],
    ['pivots', 'FROM (SELECT id % 2 AS odd, id FROM people) PIVOT (sum(id) FOR odd IN (0, 1))', 1],
    [
      'casts, cases, dates and regular expressions',
      "SELECT CASE WHEN TRY_CAST(name AS INTEGER) IS NULL THEN regexp_extract(name, '[0-9]+') END, date_trunc('month', DATE '2020-02-03') FROM people",
      5,
    ],
  ])('takes %s', async (_, statement, rowCount) => {
    expect((await run(statement)).rows.length).toBe(rowCount);
  });

  it('reads parameters as variables', async () => {
    const { rows } = await run("SELECT name FROM people WHERE id = CAST(getvariable('which') AS BIGINT)", { parameters: { which: '2' } });
    expect(rows).toEqual([['name 2']]);
  });

  it('sees an empty table as one', async () => {
    expect((await run('FROM people', { tables: [{ ...table, files: [] }] })).rows).toEqual([]);
  });

  it('may use a column with the name of a clock', async () => {
    const clocks = { ...table, columns: [{ name: 'user', type: 'VARCHAR' }], files: [] };
    expect((await run('SELECT "user" FROM people', { tables: [clocks] })).columns).toEqual(clocks.columns);
  });
});

describe('what a statement may not do', () => {
  it.each([
    ['logging to a file', "SELECT * FROM enable_logging(storage='file', storage_path='logs')"],
    ['logging by a scalar function', "SELECT write_log('x')"],
    ['profiling', 'SELECT * FROM enable_profiling()'],
    ['reading csv', "SELECT * FROM read_csv('in/x.csv')"],
    ['reading Parquet', "SELECT * FROM read_parquet('in/*')"],
    ['reading Parquet by its other name', "SELECT * FROM parquet_scan('in/*')"],
    ['reading text', "SELECT * FROM read_text('/etc/passwd')"],
    ['listing files', "SELECT * FROM glob('*')"],
    ['a file by its name', "SELECT * FROM 'other.csv'"],
    ['a file behind a common table of its name', `WITH "other.csv" AS (SELECT * FROM "other.csv") FROM "other.csv"`],
    ['a file behind a later common table of its name', `WITH a AS (SELECT * FROM "other.csv"), "other.csv" AS (SELECT 1) FROM a`],
    ['settings', 'SELECT * FROM duckdb_settings()'],
    ['settings as a view', 'SELECT * FROM duckdb_settings'],
    ['settings as a value', "SELECT current_setting('temp_directory')"],
    ['the catalog', 'SELECT * FROM information_schema.tables'],
    ['the catalog of sqlite', 'SELECT * FROM sqlite_master'],
    ['a table with a schema', 'SELECT * FROM main.people'],
    ['a function with a schema', 'SELECT pg_catalog.upper(name) FROM people'],
    ['a text as a query', "SELECT * FROM query('SELECT 1')"],
    ['a text as a table', "SELECT * FROM query_table('people')"],
    ['a serialized statement', "SELECT * FROM json_execute_serialized_sql('{}')"],
    ['chance', 'SELECT random()'],
    ['chance in a window', 'SELECT sum(random()) OVER () FROM people'],
    ['samples', 'SELECT * FROM people TABLESAMPLE 10%'],
    ['samples by USING', 'SELECT * FROM people USING SAMPLE 2'],
    ['the clock', 'SELECT now()'],
    ['the clock as a word', 'SELECT current_timestamp'],
    ['the clock in an age', "SELECT age(TIMESTAMP '2020-01-01')"],
    ['who runs it', 'SELECT current_user'],
    ['sleeping', 'SELECT pg_sleep(1)'],
    ['showing tables', 'FROM (SHOW TABLES)'],
    ['describing', 'DESCRIBE people'],
    ['summaries', 'SUMMARIZE people'],
    ['two statements', 'SELECT 1; SELECT 2'],
    ['COPY', "COPY people TO 'out/x.csv'"],
    ['ATTACH', "ATTACH 'x.db'"],
    ['INSTALL', 'INSTALL httpfs'],
    ['SET', 'SET threads = 8'],
    ['PRAGMA', 'PRAGMA database_list'],
    ['CALL', "CALL enable_logging('x')"],
    ['CREATE', 'CREATE TABLE x AS SELECT 1'],
    ['DELETE', 'DELETE FROM people'],
    ['EXPLAIN', 'EXPLAIN ANALYZE SELECT 1'],
    ['nothing at all', ' -- nothing'],
  ])('refuses %s', async (_, statement) => {
    expect(await failureOf(run(statement))).toMatchObject({ code: 'ENGINE_REFUSED' });
  });

  it('names the function that it refuses, and no value', async () => {
    const failure = await failureOf(run("SELECT random() + length('planted-4711')"));
    expect((failure as EngineError).detail).toBe('The function random is not allowed.');
    expect(String(await failureOf(run("SELECT CAST('planted-4711' AS INTEGER)")))).not.toContain('planted');
  });

  it.each([
    ['FROM Nobody', 'The statement reads from nobody, which is not one of the tables.'],
    ['FROM main.people', 'The statement reads from main.people, which is not one of the tables.'],
    ['WITH "main.people" AS (SELECT 1) FROM main.people', 'The statement reads from main.people, which is not one of the tables.'],
    ["FROM '/planted/4711.csv'", 'The statement reads from something that is not one of the tables.'],
  ])('names the table that is not there, and no path: %s', async (statement, detail) => {
    expect(await failureOf(run(statement))).toMatchObject({ code: 'ENGINE_REFUSED', detail });
  });

  it('cannot take more disk, nor more memory, than it may', async () => {
    const sorted =
      'SELECT sum(hash(md5(a.range::VARCHAR)) % 7) FROM (SELECT range, md5(range::VARCHAR) AS m FROM range(4000000) ORDER BY m) a';
    expect(await failureOf(run(sorted, { memoryMb: 64, temporaryMb: 16 }))).toMatchObject({ code: 'ENGINE_DISK' });
    const listed = 'SELECT length(string_agg(md5(range::VARCHAR))) FROM range(8000000)';
    expect(await failureOf(run(listed, { memoryMb: 64 }))).toMatchObject({ code: 'ENGINE_MEMORY' });
  });

  it('cannot run for longer than it may', async () => {
    const statement = 'SELECT count(*) FROM range(100000000) a, range(100000000) b WHERE (a.range * b.range) % 7 = 8';
    expect(await failureOf(run(statement, { timeoutMs: 300 }))).toMatchObject({ code: 'ENGINE_INTERRUPTED' });
  });

  it('fails where an input is not what its checksum says', async () => {
    const wrong = { ...table, files: table.files.map((file) => ({ ...file, sha256: 'f'.repeat(64) })) };
    expect(await failureOf(run('FROM people', { tables: [wrong] }))).toMatchObject({ code: 'ENGINE_REFUSED' });
  });

  it('leaves the inputs as they were and gives the same result again', async () => {
    const before = await hashFile(table.files[0]?.path ?? '');
    const statement = 'SELECT sum(id / 3.0::DOUBLE) AS total FROM people, range(10000)';
    expect(await run(statement)).toEqual(await run(statement));
    expect(await hashFile(table.files[0]?.path ?? '')).toBe(before);
    expect((await readdir(join(root, `step${count}`))).toSorted()).toEqual(['in', 'out']);
  });
});
