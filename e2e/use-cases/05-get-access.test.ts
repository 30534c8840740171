// Use case: Get External Datamodule Access.
import { AccessStatus } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { AccessRequest_State, Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';

let suite: Suite;
let people: People;
let askers: People;
let connectionId: string;
let hiddenId: string;
let requestId: string;

beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'audit'] });
  people = await makePeople(suite);
  askers = await makePeople(suite);
  const create = async (displayName: string, hidden: boolean): Promise<string> =>
    (
      await people.editor.extdatamodule.createConnection({
        groupId: people.groupId,
        displayName,
        type: 'file',
        settings: { path: 'registry' },
        contract: 'For reports',
        hidden,
      })
    ).connection?.id ?? '';
  connectionId = await create('registry', false);
  hiddenId = await create('secret registry', true);
});
afterAll(() => suite.close());

const card = async () => (await askers.editor.extdatamodule.getAllConnection({})).connections.find(({ id }) => id === connectionId);

describe('basic flow', () => {
  test('1. view available connections: cards of other groups too, with the own access status, and nothing of the address', async () => {
    const found = await card();
    expect(found).toMatchObject({ displayName: 'registry', contract: 'For reports', ownerIds: [people.editor.id] });
    expect(Object.keys(found ?? {})).not.toContain('settings');
    const all = (await askers.editor.extdatamodule.getAllConnection({})).connections;
    expect(all.map(({ id }) => id)).not.toContain(hiddenId);
  });

  test('2. select connection: its details stay with its group', async () => {
    expect((await denial(askers.editor.extdatamodule.getConnection({ connectionId }))).reason).toBe('NOT_FOUND');
    expect((await askers.editor.user.checkAccess({ connectionId, access: Access.READ })).allowed).toBe(false);
  });

  test('3. request access: a reason is asked for', async () => {
    const { reason, fields } = await denial(askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: '' }));
    expect(reason).toBe('INVALID_REQUEST');
    expect(fields.map(({ field }) => field)).toEqual(['reason']);
  });

  test('4. submit request, 6. confirmation: the request is recorded and waits', async () => {
    const { accessRequest } = await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'For the yearly report' });
    expect(accessRequest).toMatchObject({ state: AccessRequest_State.PENDING, reason: 'For the yearly report', userId: askers.editor.id });
    requestId = accessRequest?.id ?? '';
    const { accessRequests } = await askers.editor.user.listAccessRequests({});
    expect(accessRequests.map(({ id }) => id)).toEqual([requestId]);
  });

  test('4. submit request: a second one while the first waits is refused', async () => {
    const { reason } = await denial(askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'Again' }));
    expect(reason).toBe('ACCESS_EXISTS');
  });

  test('4. submit request: the request alone gives nothing', async () => {
    expect((await askers.editor.user.checkAccess({ connectionId, access: Access.READ })).allowed).toBe(false);
  });

  test('5. notify owners: the owner finds the request among the notifications', async () => {
    const found = await until(async () =>
      (await people.editor.user.listNotifications({})).notifications.find(({ kind }) => kind === Notification_Kind.ACCESS_REQUESTED),
    );
    expect(found.resource).toContain(requestId);
  });

  test('6. confirmation: the card says that the access is asked for', async () => {
    await until(async () => ((await card())?.readAccess === AccessStatus.PENDING ? true : undefined));
    expect((await card())?.writeAccess).toBe(AccessStatus.NONE);
  });

  test('whoever is signed in may ask, without any duty', async () => {
    const { accessRequest } = await askers.guest.user.addAccess({ connectionId, access: Access.READ, reason: 'Please' });
    expect(accessRequest?.state).toBe(AccessRequest_State.PENDING);
  });
});
