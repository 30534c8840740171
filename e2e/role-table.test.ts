// Who may do what: every method for users, by everybody who could call it. The table below is the decision; the services must agree.
import { methodsOf, serviceType, type MethodInfo } from '@lethe/contracts/registry';
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { CallError } from '@lethe/grpc/errors';
import { SERVICE_NAMES, type Noun } from '@lethe/contracts/nouns';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { callByName, requestsAbout } from './support/requests.ts';
import { makeTenant, type Tenant } from './support/tenant.ts';

const PERSONAS = [
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
type Persona = (typeof PERSONAS)[number];

const EVERYBODY: readonly Persona[] = PERSONAS;
const MEMBERS: readonly Persona[] = PERSONAS.filter((persona) => persona !== 'stranger' && persona !== 'connection owner');
const EDITORS: readonly Persona[] = ['task editor', 'developer', 'maintainer', 'owner', 'superuser'];
const MANAGERS: readonly Persona[] = ['task manager', 'developer', 'maintainer', 'owner', 'superuser'];
const VIEWERS: readonly Persona[] = ['task manager', 'data manager', 'developer', 'maintainer', 'owner', 'superuser'];
// Superusers may do all but read rows.
const REVIEWERS: readonly Persona[] = ['data manager', 'maintainer', 'owner'];
const MAINTAINERS: readonly Persona[] = ['maintainer', 'owner', 'superuser'];
const OWNERS_OF_CONNECTION: readonly Persona[] = ['connection owner', 'owner', 'superuser'];

const TABLE: Record<Noun, Record<string, readonly Persona[]>> = {
  user: {
    GetUser: EVERYBODY,
    ListUsers: EVERYBODY,
    UpdateUser: ['superuser'],
    CreateGroup: ['superuser'],
    GetGroup: MEMBERS,
    ListGroups: EVERYBODY,
    AddGroupMember: MAINTAINERS,
    UpdateGroupMember: MAINTAINERS,
    RemoveGroupMember: MAINTAINERS,
    ListGroupMembers: MEMBERS,
    AddAccess: EDITORS,
    ApproveAccessRequest: OWNERS_OF_CONNECTION,
    ListAccessRequests: EVERYBODY,
    RevokeAccess: OWNERS_OF_CONNECTION,
    CheckAccess: EVERYBODY,
    CreateToken: EVERYBODY,
    ListTokens: EVERYBODY,
    RevokeToken: ['owner', 'superuser'],
    ListNotifications: EVERYBODY,
    AckNotification: ['owner'],
  },
  script: {
    CreateScript: EDITORS,
    GetScript: MEMBERS,
    UpdateScript: EDITORS,
    ReleaseScript: EDITORS,
    ListScripts: MEMBERS,
    TestScript: EDITORS,
  },
  extdatamodule: {
    CreateConnection: EDITORS,
    UpdateConnection: [...EDITORS, 'connection owner'],
    GetAllConnection: EVERYBODY,
    GetConnection: [...MEMBERS, 'connection owner'],
    TestConnection: [...EDITORS, 'connection owner'],
    ListConnectionTypes: EVERYBODY,
    CreateDataModule: EDITORS,
    GetDataModule: MEMBERS,
    ListDataModules: MEMBERS,
    UpdateDataModule: EDITORS,
    GetDataModuleVersion: MEMBERS,
    ListDataModuleVersions: MEMBERS,
  },
  task: {
    CreateTask: EDITORS,
    GetTask: MEMBERS,
    UpdateExtractionScript: EDITORS,
    UpdateFieldRules: EDITORS,
    UpdateAnonymizationRules: EDITORS,
    UpdateTransformationScripts: EDITORS,
    UpdateUploadingScript: EDITORS,
    Release: EDITORS,
    Start: MANAGERS,
    Pause: MANAGERS,
    Resume: MANAGERS,
    Stop: MANAGERS,
    ListTasks: MEMBERS,
    GetRun: MEMBERS,
    ListRuns: MEMBERS,
    WatchRun: MEMBERS,
  },
  data: { GetAll: VIEWERS, GetEntry: VIEWERS, ReadRows: REVIEWERS, Modifie: [...REVIEWERS, 'superuser'] },
  audit: { ListAuditLogs: EVERYBODY, GetAuditLog: ['developer', 'maintainer', 'owner', 'superuser'] },
};

const DENIALS = ['PERMISSION_DENIED', 'NOT_FOUND', 'SCOPE_MISSING', 'SERVICE_ONLY'];

let suite: Suite;
let tenant: Tenant;
let memberId: string;
const people = new Map<Persona, TestUser>();

beforeAll(async () => {
  suite = await startSuite();
  tenant = await makeTenant(suite);
  const member = async (role: Role, duties: Duty[] = []): Promise<TestUser> => {
    const user = await suite.user();
    await suite.member(tenant.groupId, user, role, duties);
    return user;
  };
  people.set('stranger', await suite.user());
  people.set('connection owner', await suite.user());
  people.set('guest', await member(Role.GUEST));
  people.set('task editor', await member(Role.GUEST, [Duty.TASK_EDITOR]));
  people.set('task manager', await member(Role.GUEST, [Duty.TASK_MANAGER]));
  people.set('data manager', await member(Role.GUEST, [Duty.DATA_MANAGER]));
  people.set('developer', await member(Role.DEVELOPER));
  people.set('maintainer', await member(Role.MAINTAINER));
  people.set('owner', tenant.owner);
  people.set('superuser', suite.admin);
  memberId = (await member(Role.GUEST)).id;
  const { connection } = await tenant.owner.extdatamodule.getConnection({ connectionId: tenant.connectionId });
  await tenant.owner.extdatamodule.updateConnection({
    connectionId: tenant.connectionId,
    connection: { ...connection, ownerIds: [tenant.owner.id, people.get('connection owner')?.id ?? ''] },
    updateMask: ['owner_ids'],
    etag: connection?.etag ?? '',
  });
});
afterAll(() => suite.close());

/** '' where the call went through or failed for another reason than who called. */
const denial = async (persona: Persona, noun: Noun, method: string): Promise<string> => {
  const user = people.get(persona);
  const request = requestsAbout(tenant, memberId)[noun][method];
  if (user === undefined || request === undefined) throw new Error(`${persona} or ${method} is missing`);
  try {
    await callByName(user, noun, method, request);
    return '';
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    if (error.reason === 'INTERNAL' || error.reason === 'UNAUTHENTICATED') throw error;
    return DENIALS.includes(error.reason) ? error.reason : '';
  }
};

const forUsers = (noun: Noun): MethodInfo[] =>
  [...methodsOf(serviceType(SERVICE_NAMES[noun])).values()].filter(({ policy }) => policy.callers !== 'SERVICE');

describe.each(Object.keys(TABLE) as Noun[])('%s', (noun) => {
  test('the table has a row for every method that users may call', () => {
    expect(Object.keys(TABLE[noun]).toSorted()).toEqual(
      forUsers(noun)
        .map(({ name }) => name)
        .toSorted(),
    );
  });

  describe.each(Object.entries(TABLE[noun]))('%s', (method, allowed) => {
    test.each(PERSONAS)('%s', async (persona) => {
      const found = await denial(persona, noun, method);
      if (allowed.includes(persona)) expect(found).toBe('');
      else expect(DENIALS).toContain(found);
    });
  });
});
