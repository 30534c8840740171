// A group with one of each resource: connection, module, script, task, a version, a prepared run with its entry, and an access request.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Access, Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Suite, TestUser } from './suite.ts';
import { until } from './until.ts';
import { preparedRun, uploadedRun } from './runs.ts';
import { makeVisits, VISIT_COLUMNS } from './visits.ts';

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
  /** An approved request of somebody else for the connection, and one that waits. */
  accessRequestId: string;
  pendingAccessRequestId: string;
  tokenId: string;
  notificationId: string;
  auditLogId: string;
};

const askForAccess = async (suite: Suite, connectionId: string): Promise<string> => {
  const asker = await suite.user();
  await suite.member(await suite.group(), asker, Role.GUEST, [Duty.TASK_EDITOR]);
  const { accessRequest } = await asker.user.addAccess({ connectionId, access: Access.READ, reason: 'For a comparison' });
  return accessRequest?.id ?? '';
};

/** Makes a tenant through the public API. */
export const makeTenant = async (suite: Suite): Promise<Tenant> => {
  const owner = await suite.user();
  const groupId = await suite.group();
  await suite.member(groupId, owner, Role.OWNER);
  // The maker of a group is its first owner.
  await owner.user.removeGroupMember({ groupId, userId: suite.admin.id, etag: '*' });
  const { connectionId, moduleId, taskId } = await makeVisits(suite, owner, groupId);
  const { script } = await owner.script.createScript({
    groupId,
    displayName: 'all rows',
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT * FROM visits',
    properties: { outputs: VISIT_COLUMNS.map(({ name, datatype }) => ({ name, type: datatype.base })) },
  });
  await uploadedRun(owner, taskId);
  const runId = await preparedRun(owner, taskId);
  const { entries } = await owner.data.getAll({ runId });
  const { token } = await owner.user.createToken({ displayName: 'own', scopes: ['group.read'] });
  const accessRequestId = await askForAccess(suite, connectionId);
  await owner.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  const notification = await until(async () => (await owner.user.listNotifications({})).notifications[0]);
  const auditLog = await until(async () => (await owner.audit.listAuditLogs({ groupId, actorId: owner.id })).auditLogs[0]);
  return {
    owner,
    groupId,
    connectionId,
    moduleId,
    scriptId: script?.id ?? '',
    taskId,
    runId,
    entryId: entries[0]?.id ?? '',
    accessRequestId,
    pendingAccessRequestId: await askForAccess(suite, connectionId),
    tokenId: token?.id ?? '',
    notificationId: notification.id,
    auditLogId: auditLog.id,
  };
};
