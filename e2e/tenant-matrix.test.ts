// Every method that takes an id, with an id of another tenant: the response is that of an id that nobody has, and nothing changes.
import { codeName, resourceFields, methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import type { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { CallError } from '@lethe/grpc/errors';
import { SERVICE_NAMES, type Noun } from '@lethe/contracts/nouns';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callByName, requestsAbout } from '@lethe/testkit/methods';
import { makeTenant, type Tenant } from '@lethe/testkit/tenant';

let suite: Suite;
let own: Tenant;
let foreign: Tenant;
beforeAll(async () => {
  suite = await startSuite();
  own = await makeTenant(suite);
  foreign = await makeTenant(suite);
});
afterAll(() => suite.close());

const IDS = [
  'groupId',
  'connectionId',
  'moduleId',
  'scriptId',
  'taskId',
  'runId',
  'entryId',
  'accessRequestId',
  'pendingAccessRequestId',
  'tokenId',
  'notificationId',
  'auditLogId',
] as const;

const nobodys = (tenant: Tenant): Tenant => ({ ...tenant, ...Object.fromEntries(IDS.map((name) => [name, randomUUID()])) });

/** The caller owns a group of its own and so holds every permission somewhere: only the tenant filter stands in the way. */
const reasonFor = async (about: Tenant, noun: Noun, method: string): Promise<{ reason: string; message: string }> => {
  const request =
    (requestsAbout(about, { memberId: foreign.owner.id, newcomerId: foreign.owner.id })[noun] as Record<string, object>)[method] ?? {};
  try {
    await callByName(own.owner, noun, method, request);
    return { reason: '', message: '' };
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return { reason: error.reason, message: error.message };
  }
};

// A card of a connection is for everybody, so its id may be asked for and about.
const DISCOVERABLE = ['AddAccess', 'CheckAccess'];

const withIds = (noun: Noun): MethodInfo[] =>
  [...methodsOf(serviceType(SERVICE_NAMES[noun])).values()].filter(
    ({ name, policy, input }) =>
      policy.callers !== 'SERVICE' && !DISCOVERABLE.includes(name) && resourceFields(input).some(({ kind }) => kind !== 'user'),
  );

const FILTERS: [noun: Noun, method: string, filter: (tenant: Tenant) => Record<string, string>, list: string][] = [
  ['script', 'listScripts', ({ groupId }) => ({ groupId }), 'scripts'],
  ['extdatamodule', 'listDataModules', ({ groupId }) => ({ groupId }), 'dataModules'],
  ['task', 'listTasks', ({ groupId }) => ({ groupId }), 'tasks'],
  ['task', 'listTasks', ({ moduleId }) => ({ moduleId }), 'tasks'],
  ['task', 'listRuns', ({ groupId }) => ({ groupId }), 'runs'],
  ['task', 'listRuns', ({ taskId }) => ({ taskId }), 'runs'],
  ['task', 'listRuns', ({ moduleId }) => ({ moduleId }), 'runs'],
  ['data', 'getAll', ({ groupId }) => ({ groupId }), 'entries'],
  ['data', 'getAll', ({ runId }) => ({ runId }), 'entries'],
  ['data', 'getAll', ({ moduleId }) => ({ moduleId }), 'entries'],
  ['audit', 'listAuditLogs', ({ groupId }) => ({ groupId }), 'auditLogs'],
  ['audit', 'listAuditLogs', ({ runId }) => ({ runId }), 'auditLogs'],
  ['user', 'listAccessRequests', ({ connectionId }) => ({ connectionId }), 'accessRequests'],
];

describe.each(Object.keys(SERVICE_NAMES) as Noun[])('%s', (noun) => {
  test.each(withIds(noun))('$name says the same of an id of another tenant as of one that nobody has', async ({ name }) => {
    const found = await reasonFor(foreign, noun, codeName(name));
    const missing = await reasonFor(nobodys(foreign), noun, codeName(name));
    expect(found.reason).toBe('NOT_FOUND');
    expect(found).toEqual(missing);
  });
});

const listed = async (tenant: Tenant, noun: Noun, method: string, request: Record<string, string>, list: string): Promise<unknown[]> => {
  const page = (await callByName(tenant.owner, noun, method, request)) as Record<string, { record?: AuditRecord }[]>;
  // Everybody sees the own actions, those on a foreign resource included.
  const isOwn = ({ record }: { record?: AuditRecord }): boolean => tenant === own && record?.actor?.id === own.owner.id;
  return (page[list] ?? []).filter((item) => !isOwn(item));
};

describe('lists', () => {
  test.each(FILTERS)('%s %s, filtered by an id of another tenant, holds nothing (%s)', async (noun, method, filter, list) => {
    // The owner sees something there, so that nothing is a refusal and no empty list.
    expect((await listed(foreign, noun, method, filter(foreign), list)).length).toBeGreaterThan(0);
    const seen = await listed(own, noun, method, filter(foreign), list).catch((error: CallError) => error.reason);
    expect(seen === 'NOT_FOUND' || (Array.isArray(seen) && seen.length === 0)).toBe(true);
  });
});

describe('references', () => {
  const refused = async (call: Promise<unknown>): Promise<{ reason: string; violations: unknown }> => {
    try {
      await call;
      return { reason: '', violations: [] };
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return { reason: error.reason, violations: error.preconditions.map(({ type, description }) => ({ type, description })) };
    }
  };

  test('a task on a module of another tenant is refused as on one that nobody has', async () => {
    const create = (moduleId: string): Promise<unknown> =>
      own.owner.task.createTask({ groupId: own.groupId, displayName: `task-${randomUUID()}`, moduleId });
    const refusal = await refused(create(foreign.moduleId));
    expect(refusal.reason).toBe('NOT_FOUND');
    expect(refusal).toEqual(await refused(create(randomUUID())));
  });

  test('a task with a script of another tenant is not released, as with one that nobody has', async () => {
    const releaseWith = async (scriptId: string): Promise<unknown> => {
      const { taskId } = own;
      const bindings = [{ table: 'visits', script: { scriptId, version: 1 }, connectionId: '', rank: 1, parameters: {} }];
      await own.owner.task.updateTransformationScripts({ taskId, bindings, etag: '*' });
      return own.owner.task.release({ taskId });
    };
    await foreign.owner.script.releaseScript({ scriptId: foreign.scriptId, version: 1 });
    const refusal = await refused(releaseWith(foreign.scriptId));
    expect(refusal.reason).not.toBe('');
    expect(refusal).toEqual(await refused(releaseWith(randomUUID())));
  });
});

test('nothing of the other tenant has changed', async () => {
  const { owner, groupId, taskId, scriptId, moduleId, connectionId, entryId, runId } = foreign;
  expect((await owner.user.listGroupMembers({ groupId })).members.map(({ userId }) => userId)).toEqual([owner.id]);
  expect((await owner.task.getTask({ taskId })).task?.displayName).toMatch(/^visits-/);
  expect((await owner.script.getScript({ scriptId })).script?.description).toBe('');
  expect((await owner.extdatamodule.getDataModule({ moduleId })).dataModule?.displayName).toMatch(/^visits-/);
  expect((await owner.extdatamodule.getConnection({ connectionId })).connection?.description).toBe('');
  expect((await owner.data.getEntry({ entryId })).entry?.editedRowCount).toBe(0n);
  expect((await owner.task.listRuns({ taskId })).runs[0]?.id).toBe(runId);
});
