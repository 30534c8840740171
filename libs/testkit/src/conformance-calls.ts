// What the conformance suite calls a service with: people, a tenant, valid requests, and the records that a call leaves.
import { codeName, resourceFields, type MethodInfo } from '@lethe/contracts/registry';
import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { NOUNS, SERVICE_NAMES, type Noun } from '@lethe/contracts/nouns';
import type { MethodDefinition } from '@lethe/contracts/message';
import { clientContracts } from '@lethe/grpc/clients';
import { randomUUID } from 'node:crypto';
import { Client as PgClient } from 'pg';
import { bearer, callRaw, type Outcome } from './raw-call.ts';
import { requestsAbout } from './methods.ts';
import { startSuite, type Suite, type TestUser } from './suite.ts';
import { namedIn, readerOf, type Fields } from './changed-resource.ts';
import { makeTenant } from './tenant.ts';

/** The suite, with what the calls of one service need. */
export type Conformance = {
  suite: Suite;
  address: string;
  /** A user without any group. */
  nobody: TestUser;
  /** A token of the owner with a scope that no method of the service wants. */
  scopeless: string;
  /** The valid request of a method, with other values for some fields. */
  valid: (method: MethodInfo, changes?: Fields) => Buffer;
  /** The valid request of a method, with an id for everything that it names. */
  validAbout: (method: MethodInfo, id: string) => Buffer;
  /** The request id of a method's valid request: the same in the whole suite. */
  requestIdOf: (method: MethodInfo) => string;
  decode: (method: MethodInfo, response: Buffer) => Fields;
  /** What the method's reader returns of the resource that its valid request names, or that has `id`; empty where neither is. */
  readChanged: (method: MethodInfo, methods: readonly MethodInfo[], token: string, id?: unknown) => Promise<Fields>;
  hasRequest: (method: string) => boolean;
  call: (method: MethodInfo, request: Buffer, token: string) => Promise<Outcome>;
  /** A token of somebody who may call the method. */
  entitled: (method: MethodInfo) => Promise<string>;
  /** A token of a service for this one. */
  asService: (service: Noun) => Promise<string>;
  /** The audit records that the method's calls left while `work` ran. */
  recordsOf: (method: MethodInfo, work: () => Promise<unknown>) => Promise<AuditRecord[]>;
  close: () => Promise<void>;
};

/** Starts all services and makes the tenant that the requests are about. */
export const openConformance = async (noun: Noun): Promise<Conformance> => {
  const suite = await startSuite();
  const tenant = await makeTenant(suite);
  const nobody = await suite.user();
  const member = await suite.user();
  await suite.member(tenant.groupId, member, Role.GUEST, [Duty.TASK_EDITOR]);
  const requests = requestsAbout(tenant, { memberId: member.id, newcomerId: nobody.id }, '*')[noun] as Record<string, Fields>;
  const contract = clientContracts[noun];
  const address = suite.addresses[noun];
  const records = new PgClient({ connectionString: suite.databaseUrl });
  await records.connect();

  const definitionOf = (method: MethodInfo): MethodDefinition => {
    const definition = Object.entries(contract.methods).find(([name]) => name === codeName(method.name))?.[1];
    if (!definition) throw new Error(`${SERVICE_NAMES[noun]} has no ${method.name}`);
    return definition;
  };
  const decode = (method: MethodInfo, response: Buffer): Fields => definitionOf(method).responseType.decode(response) as Fields;
  const encode = (method: MethodInfo, request: Fields): Buffer => {
    // The method is chosen at run time: its request's type is that of no one method, and its fields are checked by the service that is called.
    const type = definitionOf(method).requestType as unknown as {
      fromPartial: (value: Fields) => unknown;
      encode: (value: unknown) => { finish: () => Uint8Array };
    };
    return Buffer.from(type.encode(type.fromPartial(request)).finish());
  };
  const requestOf = (method: MethodInfo): Fields => requests[codeName(method.name)] ?? {};
  const validAbout = (method: MethodInfo, id: string): Buffer => {
    const named = resourceFields(method.input).map(({ field }) =>
      field.oneof ? [field.oneof.localName, { $case: field.localName, value: id }] : [field.localName, id],
    );
    return encode(method, { ...requestOf(method), ...Object.fromEntries(named) });
  };
  const requestIds = new Map<string, string>();
  const requestIdOf = ({ name }: MethodInfo): string => {
    const requestId = requestIds.get(name) ?? randomUUID();
    requestIds.set(name, requestId);
    return requestId;
  };
  const asService = (service: Noun): Promise<string> => suite.serviceToken(service, { audience: noun, groupId: tenant.groupId });
  const entitled = async ({ name, policy }: MethodInfo): Promise<string> => {
    if (policy.callers === 'SERVICE') return asService(NOUNS.find((service) => policy.services.includes(service)) ?? noun);
    // Groups are made by superusers unless a setting opens that to all.
    return policy.scope === 'SUPERUSER' || name === 'CreateGroup' ? suite.admin.token : tenant.owner.token;
  };
  const call = (method: MethodInfo, request: Buffer, token: string): Promise<Outcome> =>
    callRaw({ address, method, request, metadata: bearer(token) });
  const readChanged: Conformance['readChanged'] = async (method, methods, token, id) => {
    const reader = readerOf(method, methods);
    const named = namedIn(method, requestOf(method));
    const ids = resourceFields(reader.input).map(({ field, kind }) => [field.localName, named[kind] ?? id] as const);
    if (ids.some(([, value]) => value === undefined)) return {};
    const { error, bytes } = await call(reader, encode(reader, Object.fromEntries(ids)), token);
    if (error) throw new Error(`${reader.name} does not show what ${method.name} changes: ${error.reason}`);
    return decode(reader, bytes);
  };
  const all = async (method: MethodInfo): Promise<AuditRecord[]> => {
    const { rows } = await records.query<{ payload: Buffer }>(
      `select payload from lethe_${noun}.outgoing_event where consumer = 'audit' order by id`,
    );
    return rows.map(({ payload }) => AuditRecord.decode(payload)).filter(({ action }) => action === method.fullName);
  };
  const recordsOf = async (method: MethodInfo, work: () => Promise<unknown>): Promise<AuditRecord[]> => {
    const before = (await all(method)).length;
    await work();
    return (await all(method)).slice(before);
  };
  const close = async (): Promise<void> => {
    await records.end();
    await suite.close();
  };
  const scopes = [noun === 'user' ? 'task.list' : 'group.read'];
  const { secret: scopeless } = await tenant.owner.user.createToken({ displayName: 'scopeless', scopes });
  return {
    suite,
    address,
    nobody,
    scopeless,
    valid: (method, changes = {}) => encode(method, { ...requestOf(method), ...changes }),
    validAbout,
    requestIdOf,
    hasRequest: (method) => method in requests,
    call,
    decode,
    readChanged,
    entitled,
    asService,
    recordsOf,
    close,
  };
};
