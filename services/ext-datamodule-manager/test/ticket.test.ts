// ResolveConnection: an address and its secret for a run's ticket, and for nothing else.
import { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { CallError } from '@lethe/grpc/errors';
import type { Ticket } from '@lethe/grpc/service-tokens';
import type { Noun } from '@lethe/local/provision';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { SignJWT } from 'jose';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

const HOUR_MS = 3_600_000;
const RUN_ID = randomUUID();
const PASSWORD = 'for the run alone';

let suite: Suite;
let editor: TestUser;
let stranger: TestUser;
let connectionId: string;

beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'audit'] });
  const member = async (): Promise<[TestUser, string]> => {
    const [user, groupId] = [await suite.user(), await suite.group()];
    await suite.member(groupId, user, Role.GUEST, [Duty.TASK_EDITOR]);
    return [user, groupId];
  };
  const [made, groupId] = await member();
  editor = made;
  [stranger] = await member();
  const { connection } = await editor.extdatamodule.createConnection({
    groupId,
    displayName: 'registry',
    type: 'postgres',
    settings: { host: '127.0.0.1', port: 5432, database: 'd', user: 'u' },
    secret: { values: { password: PASSWORD } },
  });
  connectionId = connection?.id ?? '';
});
afterAll(() => suite.close());

const ticketOf = (change: Partial<Ticket> = {}, signer: Noun = 'task', lifetimeMs = HOUR_MS): Promise<string> => {
  const connections = [{ connectionId, access: 'READ' as const }];
  const whole = { runId: RUN_ID, groupId: randomUUID(), releasedBy: editor.id, snapshotHash: '', connections, ...change };
  return suite.ticket(signer, whole, lifetimeMs);
};

const resolve = async (ticket: string, caller: Noun = 'data', write = false): Promise<string> => {
  const { extdatamodule } = suite.clients(await suite.serviceToken(caller, { audience: 'extdatamodule', runId: RUN_ID }));
  const { secret } = await extdatamodule.resolveConnection({ ticket, connectionId, write });
  return secret?.values['password'] ?? '';
};

const refusal = async (call: Promise<string>): Promise<string> => {
  try {
    return `answered ${await call}`;
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    return error.reason;
  }
};

test('DataManager gets the secret for the ticket of a run that may read', async () => {
  expect(await resolve(await ticketOf())).toBe(PASSWORD);
});

test('a ticket that only reads does not write', async () => {
  expect(await refusal(resolve(await ticketOf(), 'data', true))).toBe('TICKET_INVALID');
});

test('a ticket for other connections is refused', async () => {
  expect(await refusal(resolve(await ticketOf({ connections: [{ connectionId: randomUUID(), access: 'READ' }] })))).toBe('TICKET_INVALID');
});

test('a ticket of another run is refused', async () => {
  expect(await refusal(resolve(await ticketOf({ runId: randomUUID() })))).toBe('TICKET_INVALID');
});

test('a ticket that another service signed is refused', async () => {
  expect(await refusal(resolve(await ticketOf({}, 'data')))).toBe('TICKET_INVALID');
  expect(await refusal(resolve(await ticketOf({}, 'extdatamodule')))).toBe('TICKET_INVALID');
});

test('a ticket whose time has passed, or that is none, is refused', async () => {
  expect(await refusal(resolve(await ticketOf({}, 'task', -60_000)))).toBe('TICKET_INVALID');
  expect(await refusal(resolve('none'))).toBe('TICKET_INVALID');
  const ticket = await ticketOf();
  const [head = '', body = '', signature = ''] = ticket.split('.');
  const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('READ', 'WRITE')).toString('base64url');
  expect(await refusal(resolve(`${head}.${changed}.${signature}`, 'data', true))).toBe('TICKET_INVALID');
});

test('no service but DataManager resolves', async () => {
  for (const caller of ['task', 'script', 'audit'] as const)
    expect(await refusal(resolve(await ticketOf(), caller))).toBe('PERMISSION_DENIED');
});

test('a service that signs as another is refused', async () => {
  const { privateKey } = suite.identity('script');
  const token = await new SignJWT({ on_behalf_of: '', run_id: RUN_ID, group_id: '' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'lethe-service+jwt' })
    .setIssuer('script')
    .setSubject('data')
    .setAudience('extdatamodule')
    .setIssuedAt()
    .setExpirationTime('50s')
    .sign(privateKey);
  const { extdatamodule } = suite.clients(token);
  const call = async (): Promise<string> => {
    await extdatamodule.resolveConnection({ ticket: await ticketOf(), connectionId, write: false });
    return '';
  };
  expect(await refusal(call())).toBe('UNAUTHENTICATED');
});

test('the grant behind a ticket is looked at each time: one that was taken back ends it', async () => {
  const ticket = await ticketOf({ releasedBy: stranger.id });
  expect(await refusal(resolve(ticket))).toBe('GRANT_MISSING');
  const { accessRequest } = await stranger.user.addAccess({ connectionId, access: Access.READ, reason: 'For a run' });
  const accessRequestId = accessRequest?.id ?? '';
  await editor.user.approveAccessRequest({ accessRequestId, decision: Decision.APPROVE });
  expect(await resolve(ticket)).toBe(PASSWORD);
  await editor.user.revokeAccess({ accessRequestId });
  expect(await refusal(resolve(ticket))).toBe('GRANT_MISSING');
});
