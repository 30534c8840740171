// TestScript on given rows: what a script sees of them, and what it returns.
import { Parameter_Type, Script_Language, Script_Type, type Parameter } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { TestScriptRequest, TestScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { makePeople, type People } from '@lethe/testkit/people';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

const { SQL, TYPESCRIPT } = Script_Language;
const VISITS = [
  {
    table: 'visits',
    rows: [
      { city: 'Turin', amount: 2 },
      { city: 'Ghent', amount: 5 },
    ],
  },
];

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script', 'data', 'audit'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

type Made = {
  language: Script_Language;
  content: string;
  properties?: Record<string, unknown>;
  parameters?: Parameter[];
  type?: Script_Type;
};

const make = async ({ language, content, properties, parameters = [], type = Script_Type.TRANSFORMATION }: Made): Promise<string> => {
  const { script } = await people.editor.script.createScript({
    groupId: people.groupId,
    displayName: `script ${randomUUID()}`,
    type,
    language,
    content,
    properties: properties ?? (type === Script_Type.TRANSFORMATION ? { outputs: [{ name: 'amount', type: 'integer' }] } : {}),
    parameters,
  });
  return script?.id ?? '';
};

const run = async (made: Made, request: Partial<TestScriptRequest> = {}): Promise<TestScriptResponse> =>
  people.editor.script.testScript({ scriptId: await make(made), tables: VISITS, ...request }, { deadlineMs: 60_000 });

test('SQL sees every given table by name, and its parameters by getvariable', async () => {
  const content = `SELECT city, country, amount * CAST(getvariable('factor') AS INTEGER) AS amount
    FROM visits JOIN cities USING (city) ORDER BY amount`;
  const parameters = [{ name: 'factor', type: Parameter_Type.INTEGER, defaultValue: '10', required: false }];
  const cities = {
    table: 'cities',
    rows: [
      { city: 'Turin', country: 'IT' },
      { city: 'Ghent', country: 'BE' },
    ],
  };
  const { rows, error, durationMs } = await run(
    { language: SQL, content, parameters },
    { tables: [...VISITS, cities], parameters: { factor: '3' } },
  );
  expect(error).toBe('');
  expect(rows).toEqual([
    { city: 'Turin', country: 'IT', amount: '6' },
    { city: 'Ghent', country: 'BE', amount: '15' },
  ]);
  expect(durationMs).toBeGreaterThan(0);
});

test('a table that is not given is not there: no file by its path, no table of the service', async () => {
  for (const content of [`SELECT * FROM '/etc/hostname'`, 'SELECT * FROM lethe_script.scripts']) {
    const { error, rows } = await run({ language: SQL, content });
    expect(error).toMatch(/^ENGINE_/);
    expect(rows).toEqual([]);
  }
});

test('SQL that does not fit its tables is told with its line, and what does not fit', async () => {
  const { error, errorLine } = await run({ language: SQL, content: 'SELECT amount,\n  nothing AS more\nFROM visits' });
  expect(error).toBe('ENGINE_SQL: The statement cannot be run (line 2): it names a column that is not there.');
  expect(errorLine).toBe(2);
});

test('TypeScript changes, multiplies and drops rows one by one, with the default of a parameter', async () => {
  const content = `type Row = { amount: number };
    export default (row: Row, context: { parameters: Record<string, string> }): Row[] | null =>
      row.amount < Number(context.parameters['least']) ? null : [row, { amount: row.amount * 2 }];`;
  const parameters = [{ name: 'least', type: Parameter_Type.INTEGER, defaultValue: '3', required: false }];
  const { rows, error } = await run({ language: TYPESCRIPT, content, parameters });
  expect([error, rows]).toEqual(['', [{ city: 'Ghent', amount: 5 }, { amount: 10 }]]);
});

test('TypeScript over a whole table sees the rows of the table that is named', async () => {
  const content =
    'export async function* transform(rows) { let amount = 0; for await (const row of rows) amount += row.amount; yield { amount }; }';
  const properties = { outputs: [{ name: 'amount', type: 'integer' }], wholeTable: true };
  const tables = [{ table: 'others', rows: [{ amount: 100 }] }, ...VISITS];
  const { rows, error } = await run({ language: TYPESCRIPT, content, properties }, { tables, table: 'visits' });
  expect([error, rows]).toEqual(['', [{ amount: 7 }]]);
});

test('SQL that fails on a value returns without the value', async () => {
  const { error, rows } = await run({ language: SQL, content: 'SELECT CAST(city AS INTEGER) AS amount FROM visits' });
  expect(rows).toEqual([]);
  expect(error).toMatch(/^ENGINE_/);
  expect(error).not.toMatch(/Turin|Ghent/);
});

test('a parameter that is not declared, missing, or of another type is refused by name', async () => {
  const parameters = [
    { name: 'least', type: Parameter_Type.INTEGER, defaultValue: '1', required: false },
    { name: 'city', type: Parameter_Type.STRING, defaultValue: '', required: true },
  ];
  const call = run({ language: SQL, content: 'SELECT 1 AS amount', parameters }, { parameters: { least: 'few', most: '9' } });
  await expect(call).rejects.toMatchObject({ reason: 'PARAMETER_INVALID', metadata: { parameters: 'most, least, city' } });
});

test('at most 1,000 rows of a table, each table by name', async () => {
  const tables = [{ table: '', rows: Array.from({ length: 1001 }, () => ({ amount: 1 })) }];
  await expect(run({ language: SQL, content: 'SELECT 1 AS amount' }, { tables })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'tables[0].table' }, { field: 'tables[0].rows' }],
  });
});

test('the rows of a test are kept nowhere, and its record does not show them', async () => {
  const canary = `canary-${randomUUID()}`;
  const scriptId = await make({ language: SQL, content: 'SELECT city, amount FROM visits' });
  const tables = [{ table: 'visits', rows: [{ city: canary, amount: 1 }] }];
  const { rows } = await people.editor.script.testScript({ scriptId, tables });
  expect(rows).toEqual([{ city: canary, amount: '1' }]);
  await until(
    async () => (await people.editor.audit.listAuditLogs({ resource: `scripts/${scriptId}`, action: 'TestScript' })).auditLogs[0],
  );
  expect(await tablesHolding(suite.databaseUrl, canary)).toEqual([]);
  expect(await tablesHolding(suite.databaseUrl, scriptId)).toContain('lethe_audit.audit_logs');
});

test('a declarative extraction has nothing to run, and a version that is not there is not found', async () => {
  const type = Script_Type.EXTRACTION;
  const read = { type, language: Script_Language.JSON, content: '{"tableRead":{"table":"visits"}}' };
  await expect(run(read)).rejects.toMatchObject({ reason: 'NOT_TESTABLE' });
  await expect(run({ language: SQL, content: 'SELECT 1 AS amount' }, { version: 2 })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});
