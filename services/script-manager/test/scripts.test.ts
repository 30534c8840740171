// Scripts through the wire: how they are listed, released and named.
import { Script_Language, Script_Type, ScriptVersion_State, type Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import { makeWorker } from '@lethe/testkit/orders';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
let worker: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'script'] });
  ({ worker, groupId } = await makeWorker(suite));
});
afterAll(() => suite.close());

const create = async (displayName: string = randomUUID(), type: Script_Type = Script_Type.EXTRACTION, namespace = ''): Promise<Script> => {
  const isSql = type === Script_Type.EXTRACTION;
  const { script } = await worker.script.createScript({
    groupId,
    displayName,
    namespace,
    type,
    language: isSql ? Script_Language.SQL : Script_Language.JSON,
    content: isSql
      ? 'SELECT number FROM orders'
      : JSON.stringify({ rules: [{ table: 'orders', column: 'number', cast: { policy: 'CAST_POLICY_FAIL' } }] }),
  });
  if (!script) throw new Error('there is no script');
  return script;
};

describe('ListScripts', () => {
  test('filters by name, namespace and type, and shows no content', async () => {
    const [displayName, namespace] = [randomUUID(), `ns-${randomUUID()}`];
    const made = await create(displayName, Script_Type.EXTRACTION, namespace);
    const rules = await create(randomUUID(), Script_Type.FIELD_RULES, namespace);
    const ids = async (filter: object): Promise<string[]> =>
      (await worker.script.listScripts({ groupId, ...filter })).scripts.map(({ id }) => id);
    expect(await ids({ displayName })).toEqual([made.id]);
    expect(await ids({ namespace })).toEqual([made.id, rules.id]);
    expect(await ids({ namespace, type: Script_Type.FIELD_RULES })).toEqual([rules.id]);
    const { scripts } = await worker.script.listScripts({ groupId, displayName });
    expect(scripts[0]?.version).toMatchObject({ number: 1, content: '' });
  });

  test('pages by id, each script once', async () => {
    const namespace = `ns-${randomUUID()}`;
    const ids = [];
    for (let number = 0; number < 5; number += 1) ids.push((await create(undefined, undefined, namespace)).id);
    const found: string[] = [];
    let pageToken = '';
    do {
      const page = await worker.script.listScripts({ groupId, namespace, pageSize: 2, pageToken });
      found.push(...page.scripts.map(({ id }) => id));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(found).toEqual(ids.toSorted());
  });
});

describe('ReleaseScript', () => {
  test('freezes the draft that it names, once', async () => {
    const { id: scriptId } = await create();
    await expect(worker.script.releaseScript({ scriptId, version: 2 })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
    const { script } = await worker.script.releaseScript({ scriptId, version: 1 });
    expect(script).toMatchObject({ releasedVersion: 1, version: { state: ScriptVersion_State.RELEASED } });
    await expect(worker.script.releaseScript({ scriptId, version: 1 })).rejects.toMatchObject({
      reason: 'NOT_A_DRAFT',
      metadata: { version: '1' },
    });
  });
});

describe('UpdateScript', () => {
  test('changes name and description without a new version, and content of a draft in its place', async () => {
    const made = await create();
    const described = { ...made, displayName: randomUUID(), description: 'reads orders' };
    const change = { scriptId: made.id, script: described, updateMask: ['display_name', 'description'] };
    const { script } = await worker.script.updateScript({ ...change, etag: made.etag });
    expect(script).toMatchObject({ displayName: described.displayName, description: 'reads orders', headVersion: 1 });
    await expect(worker.script.updateScript({ ...change, etag: made.etag })).rejects.toMatchObject({ reason: 'ETAG_MISMATCH' });
  });

  test('on a released version makes the next one as a draft', async () => {
    const made = await create();
    await worker.script.releaseScript({ scriptId: made.id, version: 1 });
    const { script: found } = await worker.script.getScript({ scriptId: made.id });
    if (!found?.version) throw new Error('there is no version');
    const version = { ...found.version, content: 'SELECT amount FROM orders' };
    const change = { scriptId: made.id, script: { ...found, version }, updateMask: ['version.content'], etag: found.etag };
    const { script } = await worker.script.updateScript(change);
    expect(script).toMatchObject({ headVersion: 2, releasedVersion: 1, version: { number: 2, state: ScriptVersion_State.DRAFT } });
  });
});

test('a name is taken once in its group', async () => {
  const displayName = randomUUID();
  await create(displayName);
  await expect(create(displayName)).rejects.toMatchObject({ reason: 'ALREADY_EXISTS' });
});
