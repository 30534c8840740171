// TestScript through the wire: what a script may do in the sandbox, and what is said of one that does more.
import { Parameter_Type, Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { TestScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { makeWorker } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';

const { SQL, TYPESCRIPT } = Script_Language;
const ROWS = [{ name: 'Ada-Lovelace', age: 36 }];

let suite: Suite;
let worker: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite();
  ({ worker, groupId } = await makeWorker(suite));
});
afterAll(() => suite.close());

const outputs = [
  { name: 'name', type: 'string' },
  { name: 'age', type: 'integer' },
];

const create = async (language: Script_Language, content: string, parameters: { name: string; defaultValue: string }[] = []) => {
  const { script } = await worker.script.createScript({
    groupId,
    displayName: randomUUID(),
    type: Script_Type.TRANSFORMATION,
    language,
    content,
    properties: { outputs },
    parameters: parameters.map((parameter) => ({ ...parameter, type: Parameter_Type.STRING, required: false })),
  });
  return script?.id ?? '';
};

const request = (scriptId: string, parameters: Record<string, string> = {}) => ({
  scriptId,
  parameters,
  table: 'people',
  tables: [{ table: 'people', rows: ROWS }],
});

const run = async (language: Script_Language, content: string): Promise<TestScriptResponse> =>
  worker.script.testScript(request(await create(language, content)));

/** The processes that this one started for scripts and their engines. */
const processes = (): string[] => {
  const all = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return all.flatMap((pid) => {
    try {
      const [status, command] = ['status', 'cmdline'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'));
      const isOwn = new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status ?? '');
      return isOwn && /deno|engine\/child\.ts/.test(command ?? '') ? [pid] : [];
    } catch {
      // It ended while it was looked at.
      return [];
    }
  });
};

describe('a script that goes too far', () => {
  test('in memory is ended, and the response says so', async () => {
    const { error, rows } = await run(
      TYPESCRIPT,
      'export default () => { const all = []; for (;;) all.push("x".repeat(1000) + all.length); }',
    );
    expect(error).toBe('SCRIPT_MEMORY: The script used more memory than it may.');
    expect(rows).toEqual([]);
  });

  test.each([
    ['TypeScript', TYPESCRIPT, 'export default () => { for (;;); }'],
    ['SQL', SQL, 'SELECT name, count(*) AS age FROM people, range(1000000) AS a, range(1000000) AS b GROUP BY name'],
  ])('in time, in %s, is ended with its call, and no process of it stays', async (_name, language, content) => {
    const scriptId = await create(language, content);
    const call = worker.script.testScript(request(scriptId), { deadlineMs: 8_000 });
    await expect.poll(() => processes().length, { timeout: 7_000 }).toBeGreaterThan(0);
    await expect(call).rejects.toMatchObject({ reason: 'DEADLINE_EXCEEDED' });
    await expect.poll(() => processes(), { timeout: 10_000 }).toEqual([]);
  });

  test('by importing is refused in the sandbox where the check of its content does not see it', async () => {
    const hidden = 'export default async () => ({ name: String(await new Function("return im" + "port(\'node:fs\')")()), age: 1 });';
    const { error, rows } = await run(TYPESCRIPT, hidden);
    expect(error).toMatch(/^SCRIPT_FAILED: /);
    expect(rows).toEqual([]);
  });

  test.each([
    ['a file', () => 'Deno.readTextFile("/etc/hostname")'],
    ['the environment', () => 'Deno.env.get("HOME")'],
    ['another process', () => 'new Deno.Command("true").output()'],
    ['a service of this machine', () => `fetch("http://${suite.addresses.audit}/").then((response) => response.text())`],
  ])('by reaching for %s is refused', async (_name, expression) => {
    const content = `export default async () => {
      try { return { name: 'got ' + await ${expression()}, age: 1 }; } catch (error) { return { name: error.name, age: 0 }; }
    };`;
    expect(await run(TYPESCRIPT, content)).toMatchObject({
      error: '',
      rows: [{ name: expect.stringMatching(/^(?:NotCapable|ReferenceError)$/) as string, age: 0 }],
    });
  });

  test.each([
    "SELECT * FROM read_csv('/etc/hostname')",
    "SELECT name, getenv('HOME') AS age FROM people",
    'SELECT * FROM duckdb_settings()',
  ])('in SQL, by %s, is refused before anything runs', async (content) => {
    const { error, rows } = await run(SQL, content);
    expect(error).toMatch(/^ENGINE_REFUSED: /);
    expect(rows).toEqual([]);
  });
});

test('a script that throws fails with its line, and without the value that it named', async () => {
  const response = await run(TYPESCRIPT, 'export default (row) => {\n  throw new Error("bad " + row.name);\n};');
  expect(response).toMatchObject({ rows: [], errorLine: 2 });
  expect(response.error).toMatch(/^SCRIPT_FAILED: /);
  expect(response.error).not.toContain('Ada');
});

test('parameters fill the defaults of the script, and unknown ones are refused by name', async () => {
  const content = 'export default (row, context) => ({ ...row, name: context.parameters.greeting + row.age });';
  const scriptId = await create(TYPESCRIPT, content, [{ name: 'greeting', defaultValue: 'hello' }]);
  expect((await worker.script.testScript(request(scriptId))).rows).toEqual([{ name: 'hello36', age: 36 }]);
  expect((await worker.script.testScript(request(scriptId, { greeting: 'ciao' }))).rows).toEqual([{ name: 'ciao36', age: 36 }]);
  await expect(worker.script.testScript(request(scriptId, { farewell: 'x' }))).rejects.toMatchObject({
    reason: 'PARAMETER_INVALID',
    metadata: { parameters: 'farewell' },
  });
});

test('a released version is tested as it was released, after the script has a newer draft', async () => {
  const scriptId = await create(SQL, 'SELECT name, age + 1 AS age FROM people');
  await worker.script.releaseScript({ scriptId, version: 1 });
  const { script } = await worker.script.getScript({ scriptId });
  if (!script?.version) throw new Error('there is no version');
  const version = { ...script.version, content: 'SELECT name, age + 2 AS age FROM people' };
  await worker.script.updateScript({ scriptId, script: { ...script, version }, updateMask: ['version.content'], etag: script.etag });
  const ages = async (number: number): Promise<unknown[]> =>
    (await worker.script.testScript({ ...request(scriptId), version: number })).rows.map((row) => Number(row['age']));
  expect(await ages(1)).toEqual([37]);
  expect(await ages(0)).toEqual([38]);
});

test('rules are not testable, and the rows of a test are in no record', async () => {
  const { script } = await worker.script.createScript({
    groupId,
    displayName: randomUUID(),
    type: Script_Type.FIELD_RULES,
    language: Script_Language.JSON,
    content: JSON.stringify({ rules: [{ table: 'orders', column: 'number', cast: { policy: 'CAST_POLICY_FAIL' } }] }),
  });
  await expect(worker.script.testScript(request(script?.id ?? ''))).rejects.toMatchObject({ reason: 'NOT_TESTABLE' });
  const records = async () => (await suite.admin.audit.listAuditLogs({ actorId: worker.id, action: 'TestScript', pageSize: 50 })).auditLogs;
  await expect.poll(async () => (await records()).length, { timeout: 20_000 }).toBeGreaterThan(5);
  const details = await Promise.all((await records()).map(({ id }) => suite.admin.audit.getAuditLog({ auditLogId: id })));
  const text = JSON.stringify(details, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  expect(text).not.toContain('Lovelace');
});
