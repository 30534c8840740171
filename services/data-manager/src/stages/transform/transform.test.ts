import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { BaseType, type Column, type DataType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { column, contextOf, oneSource, openBench, planOf, rowsOf, runRules, type Bench } from '../../../test/support/run-fixture.ts';
import { transform, type RunScript } from './transform.ts';

let bench: Bench;

beforeAll(async () => {
  bench = await openBench();
});

afterAll(() => bench.close());

/** The harness of these tests: `change` is the script's function from a row to a row, rows or null. */
const HARNESS = `
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) text += chunk;
  const change = (await import('data:text/javascript,' + encodeURIComponent(process.argv[1]))).default;
  for (const line of text.split('\\n').slice(0, -1)) {
    const result = change(JSON.parse(line), JSON.parse(process.argv[2]));
    if (result === null) console.log('{" dropped":1}');
    else for (const row of [result].flat()) console.log(typeof row === 'string' ? row : JSON.stringify(row));
  }`;

/** Runs scripts in a child process of Node: it has no isolation, and stands in for the sandbox in these tests alone. */
const runInNode: RunScript = async (script, input, output) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', HARNESS, script.content, JSON.stringify(script.parameters)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await Promise.all([pipeline(createReadStream(input.path), child.stdin), pipeline(child.stdout, createWriteStream(output.path))]);
  return { rowCount: (await readFile(output.path, 'utf8')).split('\n').length - 1 };
};

type Step = {
  table: string;
  language: string;
  content: string;
  columns?: Column[];
  drops?: string[];
  wholeTable?: boolean;
  parameters?: Record<string, string>;
};

const planWith = (
  tables: { name: string; columns: Column[] }[],
  steps: Step[],
  results?: { name: string; columns: Column[] }[],
): EffectivePlan =>
  planOf(tables, {
    transforms: steps.map((step, index) => ({
      binding: { table: step.table, script: { scriptId: `s${index}`, version: 1 }, rank: index + 1, parameters: step.parameters ?? {} },
      outputs: { columns: step.columns ?? [], drops: step.drops ?? [], wholeTable: step.wholeTable ?? false },
    })),
    scripts: steps.map((step, index) => ({
      scriptId: `s${index}`,
      version: 1,
      language: step.language,
      contentHash: createHash('sha256').update(step.content).digest('hex'),
    })),
    results: results ?? tables,
  });

const run = async (plan: EffectivePlan, steps: Step[], rows: Record<string, (string | null)[][]>) => {
  const { directory } = await runRules(
    bench,
    plan,
    Object.entries(rows).map(([table, lines]) => oneSource(table, lines)),
  );
  const context = {
    ...contextOf(bench, directory, plan),
    runScript: runInNode,
    scriptContent: async (script: { scriptId: string }) => steps[Number(script.scriptId.slice(1))]?.content ?? '',
  };
  const manifest = await transform(context);
  const result: Record<string, (string | null)[][]> = {};
  for (const table of manifest.tables) result[table.table] = await rowsOf(bench, directory, table);
  return {
    directory,
    context,
    manifest,
    rows: result,
    counts: (table: string) => manifest.reports.find((report) => report.table === table),
  };
};

const people = { name: 'people', columns: [column('id', BaseType.INTEGER), column('name')] };
const orders = {
  name: 'orders',
  columns: [
    column('who', BaseType.INTEGER),
    column('amount', BaseType.DECIMAL, { type: { base: BaseType.DECIMAL, precision: 20, scale: 2 } }),
  ],
};
const typed = (name: string, type: Partial<DataType> & { base: BaseType }): Column => column(name, type.base, { type });

const PEOPLE = [
  ['1', 'ann'],
  ['2', 'bob'],
  ['3', 'eve'],
];

describe('SQL transforms', () => {
  it('join every current table by name, in the order of their rank, and drop tables', async () => {
    const totals = [column('name'), typed('total', { base: BaseType.DECIMAL, precision: 38, scale: 2 })];
    const steps: Step[] = [
      {
        table: 'totals',
        language: 'SQL',
        content: 'SELECT name, sum(amount) AS total FROM people JOIN orders ON who = id GROUP BY name',
        columns: totals,
        drops: ['orders'],
      },
      { table: 'people', language: 'SQL', content: 'SELECT p.* FROM people p JOIN totals USING (name) WHERE total > 1' },
    ];
    const plan = planWith([people, orders], steps, [people, { name: 'totals', columns: totals }]);
    const { rows, manifest, counts, directory } = await run(plan, steps, {
      people: PEOPLE,
      orders: [
        ['1', '0.10'],
        ['1', '0.20'],
        ['2', '123456789012345678.99'],
      ],
    });
    expect(rows).toEqual({
      people: [['2', 'bob']],
      totals: [
        ['ann', '0.30'],
        ['bob', '123456789012345678.99'],
      ],
    });
    expect(manifest.tables.map((table) => table.table)).toEqual(['people', 'totals']);
    expect(counts('people')?.transformed).toEqual([{ scriptId: 's1', rank: 2, inCount: 3, outCount: 1, addedCount: 0, removedCount: 2 }]);
    expect(counts('totals')?.transformed).toEqual([{ scriptId: 's0', rank: 1, inCount: 0, outCount: 2, addedCount: 2, removedCount: 0 }]);
    expect(counts('orders')?.storedCount).toBe(0);
    expect((await readdir(directory)).toSorted()).toEqual(['extract', 'rules', 'transform']);
  });

  it('number the rows by content, whatever the order of the result', async () => {
    const outcome = async (order: string) => {
      const steps: Step[] = [{ table: 'people', language: 'SQL', content: `SELECT id, name FROM people ORDER BY name ${order}` }];
      const { manifest, directory } = await run(planWith([people], steps), steps, { people: PEOPLE });
      const path = manifest.tables[0]?.segments[0]?.path ?? '';
      return (await bench.engine.sql(`SELECT row_id >> 49, row_id & 536870911, id FROM '${join(directory, path)}' ORDER BY row_id`)).rows;
    };
    const expected = [
      ['1', '0', '1'],
      ['1', '1', '2'],
      ['1', '2', '3'],
    ];
    expect(await outcome('ASC')).toEqual(expected);
    expect(await outcome('DESC')).toEqual(expected);
  });

  it('take parameters, and other types whose values fit exactly', async () => {
    const columns = [column('id', BaseType.INTEGER), typed('half', { base: BaseType.DECIMAL, precision: 4, scale: 1 })];
    const content = "SELECT CAST(id AS HUGEINT) AS id, id / 2.0::DOUBLE AS half FROM people WHERE name = getvariable('name')";
    const steps: Step[] = [{ table: 'people', language: 'SQL', content, columns, parameters: { name: 'eve' } }];
    expect((await run(planWith([people], steps, [{ name: 'people', columns }]), steps, { people: PEOPLE })).rows['people']).toEqual([
      ['3', '1.5'],
    ]);
  });

  it('fail where values do not fit the declared type, naming table, column and count', async () => {
    const columns = [column('id', BaseType.INTEGER), column('name', BaseType.INTEGER)];
    const steps: Step[] = [{ table: 'people', language: 'SQL', content: 'SELECT id, name FROM people', columns }];
    const failure: unknown = await run(planWith([people], steps, [{ name: 'people', columns }]), steps, { people: PEOPLE }).catch(
      (reason: unknown) => reason,
    );
    expect(String(failure)).toBe("RunError: Table people: the script's rows do not fit the declared types: column name: 3 values.");
  });

  it('fail where the columns are not the declared ones', async () => {
    const steps: Step[] = [{ table: 'people', language: 'SQL', content: 'SELECT id, name AS title, 1 AS more FROM people' }];
    await expect(run(planWith([people], steps), steps, { people: PEOPLE })).rejects.toThrow('missing name; 2 not declared');
  });

  it('fail where the statement does more than read', async () => {
    const steps: Step[] = [{ table: 'people', language: 'SQL', content: "SELECT id, name FROM people, glob('/*')" }];
    await expect(run(planWith([people], steps), steps, { people: PEOPLE })).rejects.toMatchObject({ code: 'ENGINE_REFUSED' });
  });
});

describe('TypeScript transforms, run in a child process of Node in place of the sandbox', () => {
  it('are called per row and may drop and add rows, with counts', async () => {
    const content =
      'export default (row, parameters) => row.id === 1 ? null : row.id === 2 ? [row, { ...row, name: parameters.other }] : row';
    const steps: Step[] = [{ table: 'people', language: 'TYPESCRIPT', content, parameters: { other: 'zoe' } }];
    const { rows, counts } = await run(planWith([people], steps), steps, { people: PEOPLE });
    expect(rows['people']).toEqual([
      ['2', 'bob'],
      ['2', 'zoe'],
      ['3', 'eve'],
    ]);
    expect(counts('people')?.transformed).toEqual([{ scriptId: 's0', rank: 1, inCount: 3, outCount: 3, addedCount: 1, removedCount: 1 }]);
  });

  const wide = {
    name: 'wide',
    columns: [
      column('id', BaseType.INTEGER),
      typed('money', { base: BaseType.DECIMAL, precision: 38, scale: 3 }),
      column('ratio', BaseType.DOUBLE),
      column('yes', BaseType.BOOLEAN),
      column('text'),
      column('day', BaseType.DATE),
      column('at', BaseType.DATETIMESTAMP),
      column('key', BaseType.UUID),
      column('json', BaseType.JSON),
      column('bytes', BaseType.BINARY),
    ],
  };
  const WIDE = [
    [
      '-9223372036854775808',
      '12345678901234567890123456789012345.678',
      '0.1',
      'true',
      'a "b"\n\u2028 🜚',
      '2020-02-29',
      '2020-01-01 10:00:00.000001+00',
      'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11',
      '{"z": 1.0,  "a": [null]}',
      '00ff',
    ],
    ['7', '0.001', 'nan', 'false', '', 'infinity', '1970-01-01 00:00:00+00', null, 'null', ''],
    ['9007199254740993', null, '-1.5e-300', null, null, null, null, null, '"x"', null],
  ];

  it('get and give back every type exactly', async () => {
    const steps: Step[] = [{ table: 'wide', language: 'TYPESCRIPT', content: 'export default (row) => row' }];
    const { rows } = await run(planWith([wide], steps), steps, { wide: WIDE });
    expect(rows['wide']).toEqual([...WIDE].toSorted((left, right) => (BigInt(left[0] ?? 0) < BigInt(right[0] ?? 0) ? -1 : 1)));
  });

  it('see large integers and decimals as texts, small ones as numbers', async () => {
    const content =
      "export default (row) => ({ ...row, text: [typeof row.id, typeof row.money, typeof row.ratio, typeof row.yes].join(' ') })";
    const steps: Step[] = [{ table: 'wide', language: 'TYPESCRIPT', content }];
    const { rows } = await run(planWith([wide], steps), steps, { wide: WIDE });
    expect(rows['wide']?.map((row) => row[4])).toEqual([
      'string string number boolean',
      'number string string boolean',
      'string object number object',
    ]);
  });

  it.each([
    ['a text for a number', "export default (row) => ({ ...row, id: 'planted-4711' })", 'column id: 3 values'],
    ['a fraction for an integer', 'export default (row) => ({ ...row, id: row.id + 0.5 })', 'column id: 3 values'],
    ['a number for a text', 'export default (row) => ({ ...row, name: 1 })', 'column name: 3 values'],
    ['an object for a text', 'export default (row) => ({ ...row, name: row.id === 1 ? {} : row.name })', 'column name: 1 values'],
    [
      'a column that is not declared',
      "export default (row) => ({ ...row, more: 'planted-4711' })",
      '3 rows of the script have columns that it does not declare',
    ],
    ['half a character', "export default (row) => ({ ...row, name: '\\ud83d' })", 'column name hold half a character'],
    ['a NUL', "export default (row) => ({ ...row, name: 'a\\0' })", 'column name hold a NUL character (U+0000): 3, the first in line 1'],
    ['a row that is not an object', "export default (row) => '[1]'", "3 lines of the script's output are not objects"],
  ])('fail with %s', async (_, content, message) => {
    const steps: Step[] = [{ table: 'people', language: 'TYPESCRIPT', content }];
    const failure: unknown = await run(planWith([people], steps), steps, { people: PEOPLE }).catch((reason: unknown) => reason);
    expect(String(failure)).toContain(message);
    expect(String(failure)).not.toContain('planted');
  });

  it('may leave out columns, which are NULL then, and may drop every row', async () => {
    const named: Step[] = [{ table: 'people', language: 'TYPESCRIPT', content: 'export default ({ id }) => ({ id })' }];
    expect((await run(planWith([people], named), named, { people: PEOPLE })).rows['people']).toEqual([
      ['1', null],
      ['2', null],
      ['3', null],
    ]);
    const none: Step[] = [{ table: 'people', language: 'TYPESCRIPT', content: 'export default () => null' }];
    const { rows, counts } = await run(planWith([people], none), none, { people: PEOPLE });
    expect(rows['people']).toEqual([]);
    expect(counts('people')?.transformed).toMatchObject([{ removedCount: 3, addedCount: 0 }]);
  });

  it('read an empty table', async () => {
    const steps: Step[] = [{ table: 'people', language: 'TYPESCRIPT', content: 'export default (row) => row' }];
    expect((await run(planWith([people], steps), steps, { people: [] })).rows['people']).toEqual([]);
  });
});

describe('the stage', () => {
  it('keeps the segments of tables that no script writes', async () => {
    const { manifest, rows } = await run(planWith([people], []), [], { people: PEOPLE });
    expect(rows['people']).toEqual(PEOPLE);
    expect(manifest.tables[0]?.segments[0]?.path).toMatch(/^rules\//u);
  });

  it('gives the same files again', async () => {
    const steps: Step[] = [{ table: 'people', language: 'SQL', content: 'SELECT id, upper(name) AS name FROM people' }];
    const { manifest, context } = await run(planWith([people], steps), steps, { people: PEOPLE });
    expect(await transform(context)).toEqual(manifest);
  });

  it('refuses a script whose content is not what was released', async () => {
    const steps: Step[] = [{ table: 'people', language: 'SQL', content: 'FROM people' }];
    await expect(run(planWith([people], steps), [{ ...steps[0], content: 'SELECT 1' } as Step], { people: PEOPLE })).rejects.toThrow(
      'not what was released',
    );
  });

  it('refuses tables and columns that the plan does not expect', async () => {
    const steps: Step[] = [{ table: 'more', language: 'SQL', content: 'FROM people', columns: people.columns }];
    await expect(run(planWith([people], steps), steps, { people: PEOPLE })).rejects.toThrow(
      'leave tables that the plan does not have: more',
    );
    const gone: Step[] = [{ table: 'people', language: 'SQL', content: 'FROM people', drops: ['nothing'] }];
    await expect(run(planWith([people], gone), gone, { people: PEOPLE })).rejects.toThrow('drops table nothing');
    const other = [{ name: 'people', columns: [column('id'), column('name')] }];
    await expect(run(planWith([people], [], other), [], { people: PEOPLE })).rejects.toThrow(
      'the columns after the transforms are not those of the plan',
    );
  });
});
