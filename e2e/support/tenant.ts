// A group with one of each resource: connection, module, script, task, a version, a prepared run with its entry, and an access request.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Access, Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { stateName, isTerminalState } from '@lethe/local/states';
import type { Suite, TestUser } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The ids of a group's resources, and its owner, who holds every duty. */
export type Tenant = {
  owner: TestUser;
  groupId: string;
  connectionId: string;
  moduleId: string;
  scriptId: string;
  taskId: string;
  runId: string;
  entryId: string;
  accessRequestId: string;
  tokenId: string;
  notificationId: string;
  auditLogId: string;
};

const COLUMNS = [
  { name: 'id', datatype: { base: 'integer' }, role: 'identifying', emptyStrategy: 'DropRecord' },
  { name: 'city', datatype: { base: 'string' }, role: 'quasi-identifying', emptyStrategy: 'Ignore' },
  { name: 'amount', datatype: { base: 'integer' }, role: 'sensitive', emptyStrategy: 'Ignore' },
];

const moduleDocument = (connection: string): Record<string, unknown> => ({
  '@context': 'urn:lethe:context:1',
  '@type': ['Dataset', 'DataModule'],
  name: 'visits',
  description: 'Visits of two cities',
  tables: [
    {
      name: 'visits',
      columns: COLUMNS,
      primaryKey: ['id'],
      primaryKeyConflict: 'DropAllConflicting',
      requires: { k: 5, suppressionLimit: '0' },
    },
  ],
  protocol: [{ table: 'visits', rank: 1, connection, fileRead: { path: 'visits.csv', format: 'csv' } }],
  upload: [{ table: 'visits', connection, mode: 'versioned', target: 'published', format: 'csv' }],
  anonymization: {
    steps: [
      { table: 'visits', rank: 1, pseudonymize: { pseudonymized: ['id'] } },
      {
        table: 'visits',
        rank: 2,
        generalize: { generalized: [{ column: 'city', hierarchy: 'city' }], search: { metric: 'loss', aggregate: 'geometricMean' } },
      },
    ],
    hierarchies: [
      {
        name: 'city',
        rows: [
          ['Turin', '*'],
          ['Ghent', '*'],
        ],
      },
    ],
  },
});

const writeVisits = (folder: string): void => {
  mkdirSync(folder, { recursive: true });
  const rows = Array.from({ length: 40 }, (_, index) => `${index},${index % 2 === 0 ? 'Turin' : 'Ghent'},${index * 7}`);
  writeFileSync(join(folder, 'visits.csv'), `id,city,amount\n${rows.join('\n')}\n`);
};

const waitFor = async (owner: TestUser, runId: string, state: RunState): Promise<void> => {
  for await (const { run } of owner.task.watchRun({ runId })) {
    if (run?.state === state && !run.reconciling) return;
    if (run && isTerminalState(run.state)) throw new Error(`the run ended ${stateName(run.state)}: ${run.error}`);
  }
  throw new Error('the watch of the run ended early');
};

const runToPrepared = async (owner: TestUser, taskId: string): Promise<string> => {
  const { run } = await owner.task.start({ target: { $case: 'taskId', value: taskId } });
  const runId = run?.id ?? '';
  await waitFor(owner, runId, RunState.PREPARED);
  return runId;
};

const publishOnce = async (owner: TestUser, taskId: string): Promise<void> => {
  const runId = await runToPrepared(owner, taskId);
  await owner.task.start({ target: { $case: 'runId', value: runId } });
  await waitFor(owner, runId, RunState.UPLOADED);
};

const first = async <Item>(look: () => Promise<readonly Item[]>): Promise<Item> => {
  const endMs = Date.now() + 15_000;
  for (;;) {
    const [item] = await look();
    if (item !== undefined) return item;
    if (Date.now() > endMs) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const askForAccess = async (suite: Suite, connectionId: string, owner: TestUser): Promise<string> => {
  const asker = await suite.user();
  await suite.member(await suite.group(), asker, Role.GUEST, [Duty.TASK_EDITOR]);
  const { accessRequest } = await asker.user.addAccess({ connectionId, access: Access.READ, reason: 'For a comparison' });
  const accessRequestId = accessRequest?.id ?? '';
  await owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  return accessRequestId;
};

/** Makes a tenant through the public API. */
export const makeTenant = async (suite: Suite): Promise<Tenant> => {
  const path = `tenant-${randomUUID()}`;
  writeVisits(join(suite.folder, path));
  const owner = await suite.user();
  const groupId = await suite.group();
  await suite.member(groupId, owner, Role.OWNER);
  // The maker of a group is its first owner.
  await owner.user.removeGroupMember({ groupId, userId: suite.admin.id, etag: '*' });
  const { connection } = await owner.extdatamodule.createConnection({ groupId, displayName: 'visits', type: 'file', settings: { path } });
  const connectionId = connection?.id ?? '';
  const document = moduleDocument(connectionId);
  const { dataModule } = await owner.extdatamodule.createDataModule({ groupId, displayName: 'visits', document });
  const moduleId = dataModule?.id ?? '';
  const { script } = await owner.script.createScript({
    groupId,
    displayName: 'all rows',
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT * FROM visits',
    properties: { outputs: COLUMNS.map(({ name, datatype }) => ({ name, type: datatype.base })) },
  });
  const { task } = await owner.task.createTask({ groupId, displayName: 'visits', moduleId });
  const taskId = task?.id ?? '';
  await owner.task.release({ taskId });
  await publishOnce(owner, taskId);
  const runId = await runToPrepared(owner, taskId);
  const { entries } = await owner.data.getAll({ runId });
  const { token } = await owner.user.createToken({ displayName: 'own', scopes: ['group.read'] });
  const notification = await first(async () => (await owner.user.listNotifications({})).notifications);
  const auditLog = await first(async () => (await owner.audit.listAuditLogs({ groupId, actorId: owner.id })).auditLogs);
  return {
    owner,
    groupId,
    connectionId,
    moduleId,
    scriptId: script?.id ?? '',
    taskId,
    runId,
    entryId: entries[0]?.id ?? '',
    accessRequestId: await askForAccess(suite, connectionId, owner),
    tokenId: token?.id ?? '',
    notificationId: notification.id,
    auditLogId: auditLog.id,
  };
};
