// What the main job needs to be there: looked up by name, made where it is not. Each person does what is theirs.
import { AccessRequest_State } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Access, Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import { CallError } from '@lethe/grpc/errors';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Person } from './accounts.ts';
import { censusDocument, TRANSFORM_OUTPUTS, type CensusConnections } from './census-module.ts';
import type { CensusDatabases } from './census-source.ts';
import type { Worker } from './people.ts';

/** The people of the job. */
export type People = Record<Person, Worker>;

/** Where the example's data are. */
export type CensusPlaces = { postgresPort: number; httpPort: number; httpToken: string; databases: CensusDatabases };

/** What the job works with. */
export type CensusSetup = { groupId: string; moduleId: string; taskId: string; connections: CensusConnections };

const makeGroup = async ({ admin }: People, displayName: string): Promise<string> => {
  const { groups } = await admin.user.listGroups({ displayName });
  return groups[0]?.id ?? (await admin.user.createGroup({ displayName, description: 'Part of the local example' })).group?.id ?? '';
};

type Member = { userId: string; role: Role; duties?: Duty[] };

const addMember = async ({ admin }: People, groupId: string, { userId, role, duties = [] }: Member): Promise<void> => {
  const { members } = await admin.user.listGroupMembers({ groupId });
  if (!members.some((member) => member.userId === userId)) await admin.user.addGroupMember({ groupId, userId, role, duties });
};

const makeGroups = async (people: People): Promise<{ groupId: string; registryId: string }> => {
  const groupId = await makeGroup(people, 'census');
  await addMember(people, groupId, { userId: people.editor.id, role: Role.GUEST, duties: [Duty.TASK_EDITOR] });
  await addMember(people, groupId, { userId: people.manager.id, role: Role.GUEST, duties: [Duty.TASK_MANAGER] });
  await addMember(people, groupId, { userId: people.reviewer.id, role: Role.GUEST, duties: [Duty.DATA_MANAGER] });
  const registryId = await makeGroup(people, 'registry');
  await addMember(people, registryId, { userId: people.owner.id, role: Role.MAINTAINER });
  return { groupId, registryId };
};

type Address = { type: string; settings: Record<string, unknown>; secret: Record<string, string>; contract: string };

const makeConnection = async (worker: Worker, groupId: string, displayName: string, address: Address): Promise<string> => {
  const { connections } = await worker.extdatamodule.getAllConnection({ groupId, displayName });
  const known = connections[0];
  const { type, settings, secret, contract } = address;
  if (known) {
    const { connection } = await worker.extdatamodule.getConnection({ connectionId: known.id });
    const same = Object.entries(settings).every(([name, value]) => connection?.settings?.[name] === value);
    if (!same && connection)
      await worker.extdatamodule.updateConnection({
        connectionId: known.id,
        connection: { ...connection, settings: { ...connection.settings, ...settings } },
        updateMask: ['settings'],
        etag: '*',
      });
    return known.id;
  }
  const made = await worker.extdatamodule.createConnection({ groupId, displayName, type, settings, secret: { values: secret }, contract });
  return made.connection?.id ?? '';
};

const makeConnections = async (people: People, groupId: string, registryId: string, places: CensusPlaces): Promise<CensusConnections> => {
  const postgres = ({ database, user, password }: CensusDatabases['source'], contract: string): Address => ({
    type: 'postgres',
    settings: { host: '127.0.0.1', port: places.postgresPort, database, user },
    secret: { password },
    contract,
  });
  const http: Address = {
    type: 'http',
    settings: { baseUrl: `http://127.0.0.1:${places.httpPort}` },
    secret: { token: places.httpToken },
    contract: 'Census records by HTTP',
  };
  return {
    people: await makeConnection(
      people.owner,
      registryId,
      'registry database',
      postgres(places.databases.source, 'Census records of the registry'),
    ),
    http: await makeConnection(people.editor, groupId, 'census api', http),
    target: await makeConnection(
      people.editor,
      groupId,
      'census target',
      postgres(places.databases.target, 'Where the module is published'),
    ),
  };
};

/** The registry's database belongs to another group: the editor asks for it, its owner decides. */
const obtainAccess = async ({ editor, owner }: People, connectionId: string): Promise<void> => {
  const response = await editor.user.checkAccess({ connectionId, access: Access.READ });
  if (response.allowed) return;
  try {
    await editor.user.addAccess({ connectionId, access: Access.READ, reason: 'The census module is collected from it' });
  } catch (error) {
    if (!(error instanceof CallError && error.reason === 'ACCESS_EXISTS')) throw error;
  }
  const { accessRequests } = await owner.user.listAccessRequests({ connectionId, state: AccessRequest_State.PENDING });
  for (const { id } of accessRequests)
    await owner.user.approveAccessRequest({ accessRequestId: id, decision: Decision.APPROVE, comment: 'For the example' });
};

const makeModule = async ({ editor }: People, groupId: string, folder: string, connections: CensusConnections): Promise<string> => {
  const displayName = 'census';
  const { dataModules } = await editor.extdatamodule.listDataModules({ groupId, displayName });
  const document = censusDocument(folder, connections);
  return dataModules[0]?.id ?? (await editor.extdatamodule.createDataModule({ groupId, displayName, document })).dataModule?.id ?? '';
};

type Transformation = { displayName: string; language: Script_Language; content: string };

const makeScript = async ({ editor }: People, groupId: string, { displayName, language, content }: Transformation): Promise<string> => {
  const { scripts } = await editor.script.listScripts({ groupId, displayName });
  const known = scripts[0];
  if (known && known.releasedVersion > 0) return known.id;
  const properties = { outputs: TRANSFORM_OUTPUTS };
  const type = Script_Type.TRANSFORMATION;
  const made = known ?? (await editor.script.createScript({ groupId, displayName, type, language, content, properties })).script;
  const scriptId = made?.id ?? '';
  await editor.script.releaseScript({ scriptId, version: 1 });
  return scriptId;
};

const makeTask = async ({ editor }: People, groupId: string, moduleId: string, scriptIds: string[]): Promise<string> => {
  const displayName = 'census';
  const { tasks } = await editor.task.listTasks({ groupId, displayName });
  const taskId = tasks[0]?.id ?? (await editor.task.createTask({ groupId, displayName, moduleId })).task?.id ?? '';
  if ((tasks[0]?.releasedRevision ?? 0) > 0) return taskId;
  const bindings = scriptIds.map((scriptId, index) => ({
    table: 'person',
    script: { scriptId, version: 0 },
    connectionId: '',
    rank: index + 1,
    parameters: {},
  }));
  await editor.task.updateTransformationScripts({ taskId, bindings, etag: '*' });
  await editor.task.release({ taskId });
  return taskId;
};

/** Makes what is not there yet, through the public API. */
export const setUpCensus = async (people: People, folder: string, places: CensusPlaces): Promise<CensusSetup> => {
  const { groupId, registryId } = await makeGroups(people);
  const connections = await makeConnections(people, groupId, registryId, places);
  await obtainAccess(people, connections.people);
  const moduleId = await makeModule(people, groupId, folder, connections);
  const read = (name: string): string => readFileSync(join(folder, 'scripts', name), 'utf8');
  const scriptIds = [
    await makeScript(people, groupId, { displayName: 'clean class', language: Script_Language.SQL, content: read('clean-class.sql') }),
    await makeScript(people, groupId, { displayName: 'name class', language: Script_Language.TYPESCRIPT, content: read('name-class.ts') }),
  ];
  return { groupId, moduleId, taskId: await makeTask(people, groupId, moduleId, scriptIds), connections };
};
