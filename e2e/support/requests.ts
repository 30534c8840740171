// One valid request for every method that users may call, about a tenant's resources. What it would change, it changes with a stale etag.
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { Script, Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Access, Role, User } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Noun } from '@lethe/contracts/nouns';
import type { Clients } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import type { Tenant } from './tenant.ts';

type Message = Record<string, unknown>;

const STALE = 'stale';

const userRequests = (tenant: Tenant, memberId: string): Record<string, Message> => {
  const { groupId, connectionId, accessRequestId } = tenant;
  const member = { groupId, userId: memberId };
  return {
    GetUser: { userId: '' },
    ListUsers: {},
    UpdateUser: { userId: memberId, user: User.fromPartial({ displayName: 'New' }), updateMask: ['display_name'], etag: STALE },
    CreateGroup: { displayName: `group-${randomUUID()}` },
    GetGroup: { groupId },
    ListGroups: {},
    AddGroupMember: { ...member, role: Role.GUEST },
    UpdateGroupMember: { ...member, role: Role.GUEST, etag: STALE },
    RemoveGroupMember: { ...member, etag: STALE },
    ListGroupMembers: { groupId },
    AddAccess: { connectionId, access: Access.READ, reason: 'For a test' },
    ApproveAccessRequest: { accessRequestId, decision: Decision.DENY },
    ListAccessRequests: {},
    RevokeAccess: { accessRequestId },
    CheckAccess: { connectionId, access: Access.READ },
    CreateToken: { displayName: 'own', scopes: ['group.read'] },
    ListTokens: {},
    RevokeToken: { tokenId: tenant.tokenId },
    ListNotifications: {},
    AckNotification: { notificationId: tenant.notificationId },
  };
};

const scriptRequests = ({ groupId, scriptId }: Tenant): Record<string, Message> => ({
  CreateScript: {
    groupId,
    displayName: `script-${randomUUID()}`,
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT * FROM visits',
    properties: { outputs: [] },
  },
  GetScript: { scriptId },
  UpdateScript: { scriptId, script: Script.fromPartial({ description: 'New' }), updateMask: ['description'], etag: STALE },
  ReleaseScript: { scriptId, version: 1 },
  ListScripts: {},
  TestScript: { scriptId, table: 'nowhere' },
});

const moduleRequests = ({ groupId, connectionId, moduleId }: Tenant): Record<string, Message> => ({
  CreateConnection: { groupId, displayName: `connection-${randomUUID()}`, type: 'file', settings: { path: 'new' } },
  UpdateConnection: { connectionId, connection: Connection.fromPartial({ description: 'New' }), updateMask: ['description'], etag: STALE },
  GetAllConnection: {},
  GetConnection: { connectionId },
  TestConnection: { connectionId },
  ListConnectionTypes: {},
  CreateDataModule: { groupId, displayName: `module-${randomUUID()}`, document: {} },
  GetDataModule: { moduleId },
  ListDataModules: {},
  UpdateDataModule: { moduleId, dataModule: DataModule.fromPartial({ displayName: 'new' }), updateMask: ['display_name'], etag: STALE },
  GetDataModuleVersion: { moduleId, version: '' },
  ListDataModuleVersions: { moduleId },
});

const taskRequests = ({ groupId, moduleId, taskId, runId }: Tenant): Record<string, Message> => ({
  CreateTask: { groupId, displayName: `task-${randomUUID()}`, moduleId },
  GetTask: { taskId },
  UpdateExtractionScript: { taskId, bindings: [], etag: STALE },
  UpdateFieldRules: { taskId, etag: STALE },
  UpdateAnonymizationRules: { taskId, etag: STALE },
  UpdateTransformationScripts: { taskId, bindings: [], etag: STALE },
  UpdateUploadingScript: { taskId, etag: STALE },
  Release: { taskId },
  Start: { target: { $case: 'taskId', value: taskId } },
  // A prepared run cannot be paused, resumed or, without a decision on its Outbox, stopped.
  Pause: { runId },
  Resume: { runId },
  Stop: { runId },
  ListTasks: {},
  GetRun: { runId },
  ListRuns: {},
  WatchRun: { runId },
});

/** The requests of all methods for users, by service and method. */
export const requestsAbout = (tenant: Tenant, memberId: string): Record<Noun, Record<string, Message>> => ({
  user: userRequests(tenant, memberId),
  script: scriptRequests(tenant),
  extdatamodule: moduleRequests(tenant),
  task: taskRequests(tenant),
  data: {
    GetAll: {},
    GetEntry: { entryId: tenant.entryId },
    ReadRows: { entryId: tenant.entryId },
    Modifie: { entryId: tenant.entryId, etag: STALE, edits: [{ edit: { $case: 'deleteRowId', value: 1n } }] },
  },
  audit: { ListAuditLogs: {}, GetAuditLog: { auditLogId: tenant.auditLogId } },
});

type AnyCall = (request: Message) => Promise<unknown> | AsyncIterable<unknown>;

/** Calls a method by its name; of a stream, takes the first message. */
export const callByName = async (clients: Clients, noun: Noun, method: string, request: Message): Promise<unknown> => {
  const name = `${method.charAt(0).toLowerCase()}${method.slice(1)}`;
  const call = Object.entries(clients[noun]).find(([key]) => key === name)?.[1] as AnyCall | undefined;
  if (call === undefined) throw new Error(`${noun} has no method ${method}`);
  const answer = call(request);
  if (!(Symbol.asyncIterator in answer)) return answer;
  for await (const message of answer) return message;
  return undefined;
};
