// Use case: Manage Scripts.
import { Script_Language, Script_Type, type Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';

let suite: Suite;
let people: People;
let script: Script;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const create = (content: string, language: Script_Language = Script_Language.SQL): Promise<{ script?: Script | undefined }> =>
  people.editor.script.createScript({
    groupId: people.groupId,
    displayName: `script ${content.length}`,
    type: Script_Type.TRANSFORMATION,
    language,
    content,
    properties: { outputs: [{ name: 'amount', type: 'integer' }] },
  });

describe('basic flow', () => {
  test('1. access script management: the list of scripts, empty at first', async () => {
    expect((await people.editor.script.listScripts({ groupId: people.groupId })).scripts).toEqual([]);
  });

  test('2. check permissions: GetUser says who may manage scripts, and CreateScript keeps to it', async () => {
    expect(await permissionsIn(people.editor, people.groupId)).toContain('script.create');
    expect(await permissionsIn(people.guest, people.groupId)).not.toContain('script.create');
    const { groupId } = people;
    const refused = await denial(
      people.guest.script.createScript({
        groupId,
        displayName: 'x',
        type: Script_Type.TRANSFORMATION,
        language: Script_Language.SQL,
        content: 'SELECT 1',
      }),
    );
    expect(refused.reason).toBe('PERMISSION_DENIED');
  });

  test('3. view script options: GetUser says what each may do with scripts', async () => {
    const options = async (user: People['editor']): Promise<string[]> =>
      (await permissionsIn(user, people.groupId)).filter((name) => name.startsWith('script.'));
    expect(await options(people.editor)).toEqual([
      'script.create',
      'script.list',
      'script.read',
      'script.release',
      'script.test',
      'script.update',
    ]);
    expect(await options(people.guest)).toEqual(['script.list', 'script.read']);
  });

  test('4. select action: a script that is there is found by its name and type', async () => {
    const { script: made } = await create('SELECT 1 AS amount');
    const { groupId } = people;
    const filter = { groupId, displayName: made?.displayName ?? '', type: Script_Type.TRANSFORMATION };
    expect((await people.editor.script.listScripts(filter)).scripts.map(({ id }) => id)).toEqual([made?.id]);
    expect((await people.editor.script.listScripts({ ...filter, type: Script_Type.UPLOADING })).scripts).toEqual([]);
  });

  test('5. create new script: type, properties and content are stored as version 1', async () => {
    const made = (await create('SELECT amount * 2 AS amount FROM visits')).script;
    expect(made).toMatchObject({ type: Script_Type.TRANSFORMATION, headVersion: 1, releasedVersion: 0 });
    script = made as Script;
  });

  test('6. edit existing script: GetScript returns it, UpdateScript makes the next version', async () => {
    const { script: found } = await people.editor.script.getScript({ scriptId: script.id });
    expect(found?.version?.content).toBe('SELECT amount * 2 AS amount FROM visits');
    const version = { ...(found?.version as NonNullable<Script['version']>), content: 'SELECT amount * 3 AS amount FROM visits' };
    const updated = await people.editor.script.updateScript({
      scriptId: script.id,
      script: { ...script, version },
      updateMask: ['version.content'],
      etag: found?.etag ?? '',
    });
    expect(updated.script?.version?.content).toBe('SELECT amount * 3 AS amount FROM visits');
    script = updated.script as Script;
  });

  test('6. edit existing script: its effect on sample rows is seen before it is released', async () => {
    const { rows, error } = await people.editor.script.testScript({
      scriptId: script.id,
      table: 'visits',
      tables: [{ table: 'visits', rows: [{ amount: 2 }, { amount: 5 }] }],
    });
    expect(error).toBe('');
    expect(rows.map((row) => Number(row['amount'])).toSorted((a, b) => a - b)).toEqual([6, 15]);
  });

  test('7. release script, 8. confirmation: the version is fixed, and says so', async () => {
    const version = script.headVersion;
    const released = await people.editor.script.releaseScript({ scriptId: script.id, version });
    expect(released.script?.releasedVersion).toBe(version);
    const { script: listed } = await people.editor.script.getScript({ scriptId: script.id, version });
    expect(listed?.version?.content).toBe('SELECT amount * 3 AS amount FROM visits');
  });

  test('7. release script: a change after the release makes a version of its own, the released one stays', async () => {
    const { script: found } = await people.editor.script.getScript({ scriptId: script.id });
    const version = { ...(found?.version as NonNullable<Script['version']>), content: 'SELECT amount FROM visits' };
    await people.editor.script.updateScript({
      scriptId: script.id,
      script: { ...script, version },
      updateMask: ['version.content'],
      etag: found?.etag ?? '',
    });
    const { script: kept } = await people.editor.script.getScript({ scriptId: script.id, version: script.headVersion });
    expect(kept?.version?.content).toBe('SELECT amount * 3 AS amount FROM visits');
  });
});

describe('alternate path: validation errors', () => {
  test('SQL that does not parse is refused with line and column, and nothing is stored', async () => {
    const before = (await people.editor.script.listScripts({ groupId: people.groupId })).scripts.length;
    const { reason, fields } = await denial(create('SELECT amount\nFROM WHERE visits'));
    expect(reason).toBe('CONTENT_INVALID');
    expect(fields[0]?.field).toContain('content');
    expect(JSON.stringify(fields)).toMatch(/line 2/);
    expect((await people.editor.script.listScripts({ groupId: people.groupId })).scripts).toHaveLength(before);
  });

  test('TypeScript with an import is refused', async () => {
    const { reason, fields } = await denial(
      create(`import fs from 'node:fs';\nexport const transform = (row) => row;`, Script_Language.TYPESCRIPT),
    );
    expect(reason).toBe('CONTENT_FORBIDDEN');
    expect(JSON.stringify(fields)).toMatch(/import/i);
  });

  test('a correction is accepted', async () => {
    expect((await create('SELECT amount FROM visits WHERE amount > 0')).script?.headVersion).toBe(1);
  });
});
