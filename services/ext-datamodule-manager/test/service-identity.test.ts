// What a service may sign: for itself, and nothing in the name of another.
import { ExtDatamoduleManagerDefinition } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import { createClient } from '@lethe/grpc/client';
import type { Ticket } from '@lethe/grpc/service-tokens';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'audit'] });
});
afterAll(() => suite.close());

const runId = randomUUID();
const connectionId = randomUUID();
const ticket: Ticket = {
  runId,
  groupId: randomUUID(),
  releasedBy: randomUUID(),
  snapshotHash: '',
  connections: [{ connectionId, access: 'READ' }],
};

const resolve = async (token: string, given: string, write = false): Promise<unknown> => {
  const client = createClient(ExtDatamoduleManagerDefinition, { address: suite.addresses.extdatamodule, token: () => token });
  return client.resolveConnection({ ticket: given, connectionId, write }).finally(() => client.close());
};

test('a service that signs a token as another is refused', async () => {
  const token = await new SignJWT({ on_behalf_of: '', run_id: runId, group_id: '' })
    .setProtectedHeader({ alg: 'EdDSA', typ: 'lethe-service+jwt' })
    .setIssuer('script')
    .setSubject('data')
    .setAudience('extdatamodule')
    .setIssuedAt()
    .setExpirationTime('50s')
    .sign(suite.identity('script').privateKey);
  await expect(resolve(token, await suite.ticket('task', ticket))).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
});

test('a token for another service is refused', async () => {
  const token = await suite.serviceToken('data', { audience: 'script', runId });
  await expect(resolve(token, await suite.ticket('task', ticket))).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
});

test('a ticket that was changed after it was signed is refused', async () => {
  const [head = '', body = '', signature = ''] = (await suite.ticket('task', ticket)).split('.');
  const changed = Buffer.from(Buffer.from(body, 'base64url').toString().replace('READ', 'WRITE')).toString('base64url');
  const token = await suite.serviceToken('data', { audience: 'extdatamodule', runId });
  await expect(resolve(token, `${head}.${changed}.${signature}`, true)).rejects.toMatchObject({ reason: 'TICKET_INVALID' });
});
