// For every method: who may call it, and a valid request about a tenant's resources. A method without its lines here does not compile.
import { UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Callers } from '@lethe/contracts/gen/callers';
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { Access, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Noun, SERVICE_NAMES } from '@lethe/contracts/nouns';
import type { Clients } from '@lethe/grpc/clients';
import { randomUUID } from 'node:crypto';
import type { Tenant } from './tenant.ts';
import { VISIT_COLUMNS, visitsDocument } from './visits.ts';

type Methods<N extends Noun> = Callers[(typeof SERVICE_NAMES)[N]];

/** The methods of a service that users may call, by their name in the code. */
export type UserMethod<N extends Noun> = keyof { [M in keyof Methods<N> as Methods<N>[M] extends 'SERVICE' ? never : M]: true };

/** Who may call a method for users: one of each kind, by role and duty in the group of the resource. */
export const PERSONAS = [
  'stranger',
  'connection owner',
  'guest',
  'task editor',
  'task manager',
  'data manager',
  'developer',
  'maintainer',
  'owner',
  'superuser',
] as const;
export type Persona = (typeof PERSONAS)[number];

const EVERYBODY: readonly Persona[] = PERSONAS;
const MEMBERS: readonly Persona[] = PERSONAS.filter((persona) => persona !== 'stranger' && persona !== 'connection owner');
const EDITORS: readonly Persona[] = ['task editor', 'developer', 'maintainer', 'owner', 'superuser'];
const MANAGERS: readonly Persona[] = ['task manager', 'developer', 'maintainer', 'owner', 'superuser'];
const VIEWERS: readonly Persona[] = ['task manager', 'data manager', 'developer', 'maintainer', 'owner', 'superuser'];
// Superusers may do all but read rows.
const REVIEWERS: readonly Persona[] = ['data manager', 'maintainer', 'owner'];
const MAINTAINERS: readonly Persona[] = ['maintainer', 'owner', 'superuser'];
const OWNERS_OF_CONNECTION: readonly Persona[] = ['connection owner', 'owner', 'superuser'];

/** Who may call each method. */
export const ALLOWED: { [N in Noun]: Record<UserMethod<N>, readonly Persona[]> } = {
  user: {
    getUser: EVERYBODY,
    listUsers: EVERYBODY,
    updateUser: ['superuser'],
    createGroup: ['superuser'],
    getGroup: MEMBERS,
    listGroups: EVERYBODY,
    addGroupMember: MAINTAINERS,
    updateGroupMember: MAINTAINERS,
    removeGroupMember: MAINTAINERS,
    listGroupMembers: MEMBERS,
    addAccess: EVERYBODY,
    getAccessRequest: OWNERS_OF_CONNECTION,
    approveAccessRequest: OWNERS_OF_CONNECTION,
    listAccessRequests: EVERYBODY,
    revokeAccess: OWNERS_OF_CONNECTION,
    checkAccess: EVERYBODY,
    createToken: EVERYBODY,
    listTokens: EVERYBODY,
    revokeToken: ['owner', 'superuser'],
    listNotifications: EVERYBODY,
    ackNotification: ['owner'],
  },
  script: {
    createScript: EDITORS,
    getScript: MEMBERS,
    updateScript: EDITORS,
    releaseScript: EDITORS,
    listScripts: MEMBERS,
    testScript: EDITORS,
  },
  extdatamodule: {
    createConnection: EDITORS,
    updateConnection: [...EDITORS, 'connection owner'],
    getAllConnection: EVERYBODY,
    getConnection: [...MEMBERS, 'connection owner'],
    testConnection: [...EDITORS, 'connection owner'],
    listConnectionTypes: EVERYBODY,
    createDataModule: EDITORS,
    getDataModule: MEMBERS,
    listDataModules: MEMBERS,
    updateDataModule: EDITORS,
    getDataModuleVersion: MEMBERS,
    listDataModuleVersions: MEMBERS,
  },
  task: {
    createTask: EDITORS,
    getTask: MEMBERS,
    updateExtractionScript: EDITORS,
    updateFieldRules: EDITORS,
    updateAnonymizationRules: EDITORS,
    updateTransformationScripts: EDITORS,
    updateUploadingScript: EDITORS,
    release: EDITORS,
    start: MANAGERS,
    pause: MANAGERS,
    resume: MANAGERS,
    resolveUpload: MANAGERS,
    stop: MANAGERS,
    listTasks: MEMBERS,
    getRun: MEMBERS,
    listRuns: MEMBERS,
    watchRun: MEMBERS,
  },
  data: { getAll: VIEWERS, getEntry: VIEWERS, readRows: REVIEWERS, listMissingLeaves: REVIEWERS, modifie: [...REVIEWERS, 'superuser'] },
  audit: { listAuditLogs: EVERYBODY, getAuditLog: ['developer', 'maintainer', 'owner', 'superuser'] },
};

type Request<N extends Noun, M> = M extends keyof Clients[N]
  ? Clients[N][M] extends (request: infer R, ...rest: never) => unknown
    ? R
    : never
  : never;

/** Users beside the tenant's owner: a member of its group, and one who is not. */
export type Others = { memberId: string; newcomerId: string };

/** The requests of all methods, by service and method. */
export type Requests = { [N in Noun]: { [M in keyof Methods<N>]: Request<N, M> } };

const userRequests = (tenant: Tenant, { memberId, newcomerId }: Others, etag: string): Requests['user'] => {
  const { groupId, connectionId, accessRequestId } = tenant;
  const member = { groupId, userId: memberId };
  return {
    getUser: { userId: '' },
    listUsers: {},
    updateUser: { userId: memberId, user: { displayName: 'New' }, updateMask: ['display_name'], etag },
    createGroup: { displayName: `group-${randomUUID()}` },
    getGroup: { groupId },
    listGroups: {},
    addGroupMember: { groupId, userId: newcomerId, role: Role.GUEST },
    updateGroupMember: { ...member, role: Role.GUEST, etag },
    removeGroupMember: { ...member, etag },
    listGroupMembers: { groupId },
    addAccess: { connectionId, access: Access.READ, reason: 'For a test' },
    approveAccessRequest: { accessRequestId: tenant.pendingAccessRequestId, decision: Decision.DENY },
    getAccessRequest: { accessRequestId },
    listAccessRequests: {},
    revokeAccess: { accessRequestId },
    checkAccess: { connectionId, access: Access.READ },
    createToken: { displayName: 'own', scopes: ['group.read'] },
    listTokens: {},
    revokeToken: { tokenId: tenant.tokenId },
    listNotifications: {},
    ackNotification: { notificationId: tenant.notificationId },
    authenticate: { token: 'of nobody' },
  };
};

const scriptRequests = ({ groupId, scriptId }: Tenant, etag: string): Requests['script'] => ({
  createScript: {
    groupId,
    displayName: `script-${randomUUID()}`,
    type: Script_Type.TRANSFORMATION,
    language: Script_Language.SQL,
    content: 'SELECT * FROM visits',
    properties: { outputs: VISIT_COLUMNS.map(({ name, datatype }) => ({ name, type: datatype.base })) },
  },
  getScript: { scriptId },
  updateScript: { scriptId, script: { description: 'New' }, updateMask: ['description'], etag },
  releaseScript: { scriptId, version: 1 },
  listScripts: {},
  testScript: { scriptId, table: 'nowhere' },
});

const moduleRequests = ({ groupId, connectionId, moduleId, runId }: Tenant, etag: string): Requests['extdatamodule'] => ({
  createConnection: { groupId, displayName: `connection-${randomUUID()}`, type: 'file', settings: { path: 'new' } },
  updateConnection: { connectionId, connection: { description: 'New' }, updateMask: ['description'], etag },
  getAllConnection: {},
  getConnection: { connectionId },
  testConnection: { connectionId },
  listConnectionTypes: {},
  createDataModule: { groupId, displayName: `module-${randomUUID()}`, document: visitsDocument(connectionId) },
  getDataModule: { moduleId },
  listDataModules: {},
  updateDataModule: { moduleId, dataModule: { displayName: 'new' }, updateMask: ['display_name'], etag },
  getDataModuleVersion: { moduleId, version: '' },
  listDataModuleVersions: { moduleId },
  listOwnedConnections: { userId: randomUUID() },
  publishDataModuleVersion: { moduleId, uploadId: 'nobody’s', runId, step: { $case: 'abandon', value: {} } },
  resolveConnection: { ticket: 'of nobody', connectionId },
});

const taskRequests = ({ groupId, moduleId, taskId, runId }: Tenant, etag: string): Requests['task'] => ({
  createTask: { groupId, displayName: `task-${randomUUID()}`, moduleId },
  getTask: { taskId },
  updateExtractionScript: { taskId, bindings: [], etag },
  updateFieldRules: { taskId, etag },
  updateAnonymizationRules: { taskId, etag },
  updateTransformationScripts: { taskId, bindings: [], etag },
  updateUploadingScript: { taskId, etag },
  release: { taskId },
  start: { target: { $case: 'taskId', value: taskId } },
  // A prepared run cannot be paused, resumed, resolved or, without a decision on its Outbox, stopped.
  pause: { runId },
  resume: { runId },
  resolveUpload: { runId, outcome: UploadOutcome.TAKEN },
  stop: { runId },
  listTasks: {},
  getRun: { runId },
  listRuns: {},
  watchRun: { runId },
});

/**
 * The requests of all methods. What they would change, they change with `etag`: a stale one, as by default, changes nothing. Those of methods
 * that only services call are of the wrong run, ticket or token, so that they change nothing either.
 */
export const requestsAbout = (tenant: Tenant, others: Others, etag = 'stale'): Requests => ({
  user: userRequests(tenant, others, etag),
  script: scriptRequests(tenant, etag),
  extdatamodule: moduleRequests(tenant, etag),
  task: taskRequests(tenant, etag),
  data: {
    getAll: {},
    getEntry: { entryId: tenant.entryId },
    readRows: { entryId: tenant.entryId },
    listMissingLeaves: { runId: tenant.runId },
    modifie: { entryId: tenant.entryId, etag, edits: [{ edit: { $case: 'deleteRowId', value: '1' } }] },
    getExecution: { runId: randomUUID() },
    testRows: { language: 'SQL', content: 'SELECT 1 AS one', tables: [], table: 'one' },
    describeConnection: { connection: Connection.fromPartial({ groupId: tenant.groupId, type: 'file', settings: { path: 'nowhere' } }) },
  },
  audit: { listAuditLogs: {}, getAuditLog: { auditLogId: tenant.auditLogId } },
});

type AnyCall = (request: object) => Promise<unknown> | AsyncIterable<unknown>;

/** Calls a method by its name in the code; of a stream, takes the first message. */
export const callByName = async (clients: Clients, noun: Noun, method: string, request: object): Promise<unknown> => {
  const call = Object.entries(clients[noun]).find(([key]) => key === method)?.[1] as AnyCall | undefined;
  if (call === undefined) throw new Error(`${noun} has no method ${method}`);
  const response = call(request);
  if (!(Symbol.asyncIterator in response)) return response;
  for await (const message of response) return message;
  return undefined;
};
