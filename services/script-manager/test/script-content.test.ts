// What is checked as a script is saved, and what its versions hold.
import { Parameter_Type, Script, Script_Language, Script_Type, ScriptVersion_State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { CreateScriptRequest } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

const OUTPUTS = { outputs: [{ name: 'amount', type: 'integer' }] };
const CONTENT = 'SELECT amount FROM visits';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'script'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const request = (change: Partial<CreateScriptRequest> = {}): Partial<CreateScriptRequest> => ({
  groupId: people.groupId,
  displayName: `script ${randomUUID()}`,
  type: Script_Type.TRANSFORMATION,
  language: Script_Language.SQL,
  content: CONTENT,
  properties: OUTPUTS,
  ...change,
});

const create = async (change: Partial<CreateScriptRequest> = {}): Promise<Script> =>
  (await people.editor.script.createScript(request(change))).script ?? Script.fromPartial({});

const update = (script: Script, values: Parameters<typeof Script.fromPartial>[0], updateMask: string[], etag = script.etag) =>
  people.editor.script.updateScript({ scriptId: script.id, script: Script.fromPartial(values), updateMask, etag });

const refusal = (change: Partial<CreateScriptRequest>): Promise<unknown> =>
  people.editor.script.createScript(request(change)).then(
    () => 'created',
    (error: unknown) => error,
  );

test('a new script returns its fields, its draft, and the hash of its content', async () => {
  const parameters = [{ name: 'least', type: Parameter_Type.INTEGER, defaultValue: '1', required: false }];
  const script = await create({ displayName: 'amounts', description: 'd', namespace: 'n', parameters });
  expect(script).toMatchObject({
    groupId: people.groupId,
    displayName: 'amounts',
    description: 'd',
    namespace: 'n',
    headVersion: 1,
    releasedVersion: 0,
    version: { number: 1, state: ScriptVersion_State.DRAFT, content: CONTENT, properties: OUTPUTS, parameters, releaseTime: undefined },
  });
  expect(script.version?.contentHash).toMatch(/^[0-9a-f]{64}$/);
  expect((await create({ parameters })).version?.contentHash).toBe(script.version?.contentHash);
  expect((await create({ content: `${CONTENT} LIMIT 1`, parameters })).version?.contentHash).not.toBe(script.version?.contentHash);
});

test('a declarative extraction says which kind of read it is', async () => {
  const content = JSON.stringify({ tableRead: { table: 'visits' } });
  const script = await create({ type: Script_Type.EXTRACTION, language: Script_Language.JSON, content, properties: {} });
  expect(script.version?.readKind).toBe('TableRead');
});

test('a name that is taken in one group is free in another', async () => {
  const other = await makePeople(suite);
  const { displayName } = await create();
  const { script } = await other.editor.script.createScript(request({ displayName, groupId: other.groupId }));
  expect(script).toMatchObject({ displayName, groupId: other.groupId });
});

test('what is missing in a request is refused by field', async () => {
  expect(await refusal({ displayName: '', content: '', type: Script_Type.UNSPECIFIED })).toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'display_name' }, { field: 'type' }, { field: 'content' }],
  });
});

test('a type is written in its languages alone', async () => {
  for (const [type, language] of [
    [Script_Type.FIELD_RULES, Script_Language.SQL],
    [Script_Type.TRANSFORMATION, Script_Language.JSON],
    [Script_Type.UPLOADING, Script_Language.TYPESCRIPT],
  ] as const)
    expect(await refusal({ type, language })).toMatchObject({ reason: 'LANGUAGE_MISMATCH', fields: [{ field: 'language' }] });
});

test('content that does more than it may is refused, with its place', async () => {
  const typescript = { language: Script_Language.TYPESCRIPT };
  const cases: [Partial<CreateScriptRequest>, RegExp][] = [
    [{ content: 'SELECT 1;\nDROP TABLE visits' }, /line 1/],
    [{ content: 'DELETE FROM visits' }, /line 1, column 1/],
    [{ ...typescript, content: 'export default async (row) =>\n  import("node:fs")' }, /line 2/],
    [{ ...typescript, content: 'export default (row) => row;\nexport * from "node:fs"' }, /line 2/],
  ];
  for (const [change, place] of cases)
    expect(await refusal(change)).toMatchObject({
      reason: 'CONTENT_FORBIDDEN',
      fields: [{ field: 'content', description: expect.stringMatching(place) as string }],
    });
});

test('content of a rule type is the JSON of its message; the place of a mistake is told, and no value', async () => {
  const secret = 'the-value-itself';
  const content = `{\n  "rules": [\n    { "table": "visits", "colunm": "${secret}" }\n  ]\n}`;
  const error = await refusal({ type: Script_Type.FIELD_RULES, language: Script_Language.JSON, content, properties: {} });
  expect(error).toMatchObject({
    reason: 'CONTENT_INVALID',
    fields: [{ field: 'content', description: expect.stringMatching(/line 3/) as string }],
  });
  expect(JSON.stringify(error)).not.toContain(secret);
});

test('a transformation declares its outputs, by JSON pointer where it does not', async () => {
  expect(await refusal({ properties: {} })).toMatchObject({
    reason: 'CONTENT_INVALID',
    fields: [{ field: 'properties#/outputs', rule: 'OUTPUTS_MISSING' }],
  });
  expect(await refusal({ properties: { outputs: [{ name: 'amount', type: 'money' }] } })).toMatchObject({
    fields: [{ field: 'properties#/outputs/0/type' }],
  });
});

test('a declared parameter has a name, a type, and a default of its type', async () => {
  const parameter = { name: 'least', type: Parameter_Type.INTEGER, defaultValue: 'many', required: false };
  expect(await refusal({ parameters: [parameter, { ...parameter, defaultValue: '1' }] })).toMatchObject({
    reason: 'PARAMETER_INVALID',
    fields: [{ field: 'parameters[0].default_value' }, { field: 'parameters[1].name' }],
  });
});

test('a script with a request id is made once', async () => {
  const wanted = request({ requestId: randomUUID() });
  const first = await people.editor.script.createScript(wanted);
  expect((await people.editor.script.createScript(wanted)).script).toEqual(first.script);
  expect(await refusal({ ...wanted, description: 'other' })).toMatchObject({ reason: 'REQUEST_ID_REUSED' });
});

test('a change replaces a draft, and after a release makes the next version; every version can be read', async () => {
  const script = await create();
  const { script: second } = await update(script, { version: { content: 'SELECT 2 AS amount' } }, ['version.content']);
  expect(second).toMatchObject({ headVersion: 1, version: { number: 1, content: 'SELECT 2 AS amount', properties: OUTPUTS } });
  const { script: released } = await people.editor.script.releaseScript({ scriptId: script.id, version: 1 });
  expect(released).toMatchObject({ releasedVersion: 1, version: { state: ScriptVersion_State.RELEASED } });
  expect(released?.version?.releaseTime).toBeInstanceOf(Date);
  const { script: third } = await update(released as Script, { version: { content: 'SELECT 3 AS amount' } }, ['version.content']);
  expect(third).toMatchObject({ headVersion: 2, releasedVersion: 1, version: { number: 2, state: ScriptVersion_State.DRAFT } });
  const contentOf = async (version: number): Promise<string | undefined> =>
    (await people.guest.script.getScript({ scriptId: script.id, version })).script?.version?.content;
  expect([await contentOf(0), await contentOf(1), await contentOf(2)]).toEqual([
    'SELECT 3 AS amount',
    'SELECT 2 AS amount',
    'SELECT 3 AS amount',
  ]);
  await expect(people.guest.script.getScript({ scriptId: script.id, version: 3 })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('an update is made on the version that was read, names what can change, and is checked as a new script is', async () => {
  const script = await create();
  const { script: after } = await update(script, { description: 'first' }, ['description']);
  await expect(update(script, { description: 'second' }, ['description'])).rejects.toMatchObject({
    reason: 'ETAG_MISMATCH',
    metadata: { etag: after?.etag },
  });
  await expect(update(script, { description: 'second' }, ['description'], '')).rejects.toMatchObject({ reason: 'ETAG_REQUIRED' });
  await expect(update(script, {}, ['type'], '*')).rejects.toMatchObject({ reason: 'MASK_INVALID' });
  await expect(update(script, {}, ['display_name'], '*')).rejects.toMatchObject({ fields: [{ field: 'script.display_name' }] });
  await expect(update(script, { version: { content: 'DROP TABLE x' } }, ['version.content'], '*')).rejects.toMatchObject({
    reason: 'CONTENT_FORBIDDEN',
  });
  await expect(people.editor.script.updateScript({ scriptId: script.id, etag: '*' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'script' }],
  });
  expect((await people.editor.script.getScript({ scriptId: script.id })).script).toEqual(after);
});

test('a release names a version, and is repeatable by its request id', async () => {
  const script = await create();
  const release = (version: number, requestId = '') => people.editor.script.releaseScript({ scriptId: script.id, version, requestId });
  await expect(release(0)).rejects.toMatchObject({ reason: 'INVALID_REQUEST', fields: [{ field: 'version' }] });
  const requestId = randomUUID();
  const first = await release(1, requestId);
  expect((await release(1, requestId)).script).toEqual(first.script);
});

test('a change is held to the bounds of a new script, by field', async () => {
  const script = await create();
  const values = {
    displayName: 'n'.repeat(129),
    description: 'd'.repeat(2001),
    version: { content: `SELECT 1 AS amount${' '.repeat(2_097_152)}` },
  };
  await expect(update(script, values, [])).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'script.display_name' }, { field: 'script.description' }, { field: 'script.version.content' }],
  });
});
