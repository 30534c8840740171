// Who may do what: every method for users, by everybody who could call it. The table in `libs/testkit/src/methods.ts` is the decision; the services must agree.
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { CallError } from '@lethe/grpc/errors';
import type { Noun } from '@lethe/contracts/nouns';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ALLOWED, callByName, PERSONAS, requestsAbout, type Persona } from '@lethe/testkit/methods';
import { makeTenant, type Tenant } from '@lethe/testkit/tenant';

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
  const request = (requestsAbout(tenant, { memberId, newcomerId: memberId })[noun] as Record<string, object>)[method];
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

describe.each(Object.keys(ALLOWED) as Noun[])('%s', (noun) => {
  describe.each(Object.entries<readonly Persona[]>(ALLOWED[noun]))('%s', (method, allowed) => {
    test.each(PERSONAS)('%s', async (persona) => {
      const found = await denial(persona, noun, method);
      if (allowed.includes(persona)) expect(found).toBe('');
      else expect(DENIALS).toContain(found);
    });
  });
});
