import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openEngine, type Engine } from './engine.ts';

let directory: string;
let engine: Engine;

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

const untilDead = async (pid: number): Promise<boolean> => {
  for (let attempt = 0; attempt < 100 && alive(pid); attempt += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  return !alive(pid);
};

/** The error that a promise rejects with; its value would fail the comparison that follows. */
const failureOf = (work: Promise<unknown>): Promise<unknown> => work.catch((reason: unknown) => reason);

const ENDLESS = 'SELECT count(*) FROM range(10000000) a, range(10000000) b WHERE (a.range * b.range) % 7 = 8';

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lethe-engine-'));
  engine = await openEngine({ directory });
});

afterEach(async () => {
  await engine.close();
  await rm(directory, { recursive: true, force: true });
});

describe('values', () => {
  it('returns each value as its exact text', async () => {
    const result = await engine.sql(
      `SELECT 9223372036854775807 AS big, 12345678901234567890123456789012345.678::DECIMAL(38,3) AS money, true AS yes, NULL AS none,
       DATE '2020-02-29' AS day, 0.1::DOUBLE AS ratio, '' AS empty -- a remark`,
    );
    expect(result.columns).toEqual(['big', 'money', 'yes', 'none', 'day', 'ratio', 'empty']);
    expect(result.rows).toEqual([
      ['9223372036854775807', '12345678901234567890123456789012345.678', 'true', null, '2020-02-29', '0.1', ''],
    ]);
  });

  it('keeps the order of a sorted query', async () => {
    const { rows } = await engine.sql('SELECT range AS value FROM range(300000) ORDER BY range DESC;');
    expect(rows.length).toBe(300_000);
    expect(rows.every((row, index) => row[0] === String(299_999 - index))).toBe(true);
  });

  it('counts the rows that a statement changed', async () => {
    await engine.sql('CREATE TABLE t AS SELECT range AS id FROM range(10)');
    expect((await engine.sql('DELETE FROM t WHERE id < 4')).rowCount).toBe(4);
  });

  it('keeps NULL, empty text, quotes, line ends and other alphabets through csv', async () => {
    const path = join(directory, 'in.csv');
    const text = 'a,,1\n"",x,2\n"line one\nline two","quote "" and , comma",3\n"cr\r\nlf",NULL,4\n"\\N",Ωμέγα 🜚,5\n';
    await writeFile(path, text);
    const columns = ['first', 'second', 'by'].map((name) => ({ name, type: 'VARCHAR' }));
    expect(await engine.copyIn('t', [path], columns)).toBe(5);
    const { rows } = await engine.sql('SELECT * FROM t ORDER BY "by"');
    expect(rows).toEqual([
      ['a', null, '1'],
      ['', 'x', '2'],
      ['line one\nline two', 'quote " and , comma', '3'],
      ['cr\r\nlf', 'NULL', '4'],
      ['\\N', 'Ωμέγα 🜚', '5'],
    ]);
    const out = join(directory, 'out.csv');
    const written = await engine.copyOut('SELECT * FROM t ORDER BY "by"', out, 'csv');
    expect(written).toEqual({ rowCount: 5, sizeBytes: (await readFile(out)).length });
    await engine.copyIn('again', [out], columns);
    const difference = await engine.sql('SELECT count(*) FROM (FROM t EXCEPT ALL FROM again)');
    expect(difference.rows).toEqual([['0']]);
  });

  it('keeps NULL and empty text apart in a file of one column', async () => {
    await engine.sql(`CREATE TABLE one AS FROM (VALUES (1, 'a'), (2, NULL), (3, ''), (4, NULL), (5, 'z')) t(id, value)`);
    const path = join(directory, 'one.csv');
    await engine.copyOut('SELECT value FROM one ORDER BY id', path, 'csv');
    expect(await engine.copyIn('back', [path], [{ name: 'value', type: 'VARCHAR' }])).toBe(5);
    expect((await engine.sql('FROM back')).rows).toEqual([['a'], [null], [''], [null], ['z']]);
  });

  it('reads a field of eight megabytes', async () => {
    const path = join(directory, 'wide.csv');
    await writeFile(path, `1,${'x'.repeat(8_000_000)}\n2,y\n`);
    await engine.copyIn(
      'wide',
      [path],
      [
        { name: 'id', type: 'VARCHAR' },
        { name: 'value', type: 'VARCHAR' },
      ],
    );
    expect((await engine.sql('SELECT length(value) FROM wide ORDER BY id')).rows).toEqual([['8000000'], ['1']]);
  });

  it('hands integers over as typed arrays and refuses NULL and other types', async () => {
    const [id, square] = await engine.integers(
      'SELECT range::INTEGER AS id, (range * range % 1000)::INTEGER AS square FROM range(100000) ORDER BY range',
    );
    expect(id?.length).toBe(100_000);
    expect(id?.every((value, index) => value === index)).toBe(true);
    expect(square?.every((value, index) => value === (index * index) % 1000)).toBe(true);
    await expect(engine.integers('SELECT NULL::INTEGER AS id')).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
    await expect(engine.integers('SELECT 1::BIGINT AS id')).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });

  it('refuses a result that belongs into a file', async () => {
    await expect(engine.sql('FROM range(2000001)')).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });
});

describe('the lock', () => {
  const outside = join(tmpdir(), `lethe-outside-${process.pid}.csv`);

  beforeEach(() => writeFile(outside, 'secret\n'));
  afterEach(() => rm(outside, { force: true }));

  it.each([
    ['reads a file outside', (path: string) => `SELECT * FROM read_csv('${path}')`],
    ['reads text outside', (path: string) => `SELECT * FROM read_text('${path}')`],
    ['reads a file by its name', (path: string) => `SELECT * FROM '${path}'`],
    ['lists files outside', () => `SELECT * FROM glob('/etc/*')`],
    ['writes outside', (path: string) => `COPY (SELECT 1) TO '${path}.new'`],
    ['attaches outside', (path: string) => `ATTACH '${path}.db'`],
    ['installs an extension', () => 'INSTALL httpfs'],
    ['loads an extension', () => 'LOAD httpfs'],
    ['changes a setting', () => "SET memory_limit = '8GB'"],
    ['unlocks', () => 'SET lock_configuration = false'],
    ['widens the folder', () => "SET allowed_directories = ['/']"],
    ['changes a setting by pragma', () => 'PRAGMA threads=8'],
  ])('refuses a statement that %s', async (_, statement) => {
    await expect(engine.sql(statement(outside))).rejects.toMatchObject({ code: expect.stringMatching(/^ENGINE_(REFUSED|SQL)$/u) });
  });

  it('refuses a link that leads outside', async () => {
    await symlink(outside, join(directory, 'link.csv'));
    await expect(engine.sql(`SELECT * FROM read_text('${directory}/link.csv')`)).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });

  it('refuses a path that climbs out', async () => {
    await expect(engine.sql(`SELECT * FROM read_text('${directory}/../${outside.split('/').at(-1) ?? ''}')`)).rejects.toMatchObject({
      code: 'ENGINE_REFUSED',
    });
  });

  it('refuses two statements in one', async () => {
    await expect(engine.sql('SELECT 1; SELECT 2')).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });
});

describe('errors', () => {
  it.each([
    ['ENGINE_CONVERSION', "SELECT CAST('planted-4711' AS INTEGER)"],
    ['ENGINE_SQL', "SELECT nothing FROM (SELECT 'planted-4711' AS other)"],
    ['ENGINE_SQL', "SELECT FROM 'planted-4711' WHERE"],
    ['ENGINE_SQL', "SELECT error('planted-4711')"],
    ['ENGINE_REFUSED', "SELECT * FROM read_text('/planted-4711')"],
    ['ENGINE_SQL', 'SELECT * FROM "planted-4711"'],
  ])('fails with %s without the value for: %s', async (code, statement) => {
    const error = await failureOf(engine.sql(statement));
    expect(error).toMatchObject({ code: code === 'ENGINE_SQL' ? expect.stringMatching(/^ENGINE_/u) : code });
    expect(`${String(error)} ${JSON.stringify(error)} ${error instanceof Error ? (error.stack ?? '') : ''}`).not.toContain('planted');
  });

  it('does not quote the line of a csv file that cannot be read', async () => {
    const path = join(directory, 'bad.csv');
    await writeFile(path, '1,2\nplanted-4711\n');
    const columns = [
      { name: 'a', type: 'VARCHAR' },
      { name: 'b', type: 'VARCHAR' },
    ];
    const error = await failureOf(engine.copyIn('bad', [path], columns));
    expect(error).toMatchObject({ code: 'ENGINE_CONVERSION' });
    expect(String(error)).not.toContain('planted');
  });

  it('says that memory or disk ran out, and works on', async () => {
    const small = await openEngine({ directory, memoryMb: 64, temporaryMb: 8 });
    const failure = failureOf(small.sql('SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) FROM range(6000000))'));
    expect(await failure).toMatchObject({ code: expect.stringMatching(/^ENGINE_(DISK|MEMORY)$/u) });
    expect((await small.sql('SELECT 1')).rows).toEqual([['1']]);
    await small.close();
  });
});

describe('life', () => {
  it('ends where the process has more resident than it may, whatever the database counts', async () => {
    expect(await failureOf(openEngine({ directory, residentMb: 1 }))).toMatchObject({ code: 'ENGINE_MEMORY' });
  });

  it('interrupts the running statement and works on', async () => {
    const failure = failureOf(engine.sql(ENDLESS));
    await new Promise((resolve) => setTimeout(resolve, 300));
    engine.interrupt();
    expect(await failure).toMatchObject({ code: 'ENGINE_INTERRUPTED' });
    expect((await engine.sql('SELECT 1')).rows).toEqual([['1']]);
  });

  it('kills at once, and what is under way rejects', async () => {
    const failure = failureOf(engine.sql(ENDLESS));
    engine.kill();
    expect(await failure).toMatchObject({ code: 'ENGINE_DIED' });
    expect(await untilDead(engine.pid)).toBe(true);
    await expect(engine.sql('SELECT 1')).rejects.toMatchObject({ code: 'ENGINE_DIED' });
  });

  it('dies with an abort of its signal', async () => {
    const controller = new AbortController();
    const second = await openEngine({ directory, signal: controller.signal });
    const failure = failureOf(second.sql(ENDLESS));
    controller.abort();
    expect(await failure).toMatchObject({ code: 'ENGINE_INTERRUPTED' });
    expect(await untilDead(second.pid)).toBe(true);
  });

  it('dies when its parent is killed, in the middle of a statement', async () => {
    const module = fileURLToPath(new URL('engine.ts', import.meta.url));
    const script = `import { openEngine } from ${JSON.stringify(module)};
      const engine = await openEngine({ directory: ${JSON.stringify(directory)} });
      process.stdout.write(String(engine.pid) + '\\n');
      await engine.sql(${JSON.stringify(ENDLESS)});`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const pid = await new Promise<number>((resolve) => parent.stdout.once('data', (data: Buffer) => resolve(Number(data.toString()))));
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(alive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await untilDead(pid)).toBe(true);
  });

  it('leaves no temporary folder after close', async () => {
    const second = await openEngine({ directory, memoryMb: 64 });
    await second.sql('SELECT count(*) FROM (SELECT DISTINCT md5(range::VARCHAR) FROM range(1500000))');
    await second.close();
    await expect(readFile(join(directory, `.engine-${second.pid}`))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
