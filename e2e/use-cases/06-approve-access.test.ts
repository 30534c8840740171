// Use case: Approve External Datamodule Access.
import { AccessRequest_State, Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { Decision } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';

let suite: Suite;
let people: People;
let askers: People;
let owner: TestUser;
let connectionId: string;
let requestId: string;

beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'audit'] });
  people = await makePeople(suite);
  askers = await makePeople(suite);
  owner = people.editor;
  const { groupId } = people;
  const { connection } = await owner.extdatamodule.createConnection({
    groupId,
    displayName: 'registry',
    type: 'file',
    settings: { path: 'r' },
  });
  connectionId = connection?.id ?? '';
  requestId = (await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'For the report' })).accessRequest?.id ?? '';
});
afterAll(() => suite.close());

const mayRead = async (): Promise<boolean> => (await askers.editor.user.checkAccess({ connectionId, access: Access.READ })).allowed;

const told = (user: TestUser, kind: Notification_Kind, text: RegExp): Promise<unknown> =>
  until(async () => (await user.user.listNotifications({})).notifications.find((found) => found.kind === kind && text.test(found.text)));

describe('basic flow', () => {
  test('1. receive notification: the owner is told, and ticks it off', async () => {
    await told(owner, Notification_Kind.ACCESS_REQUESTED, /./);
    const { notifications } = await owner.user.listNotifications({ unreadOnly: true });
    await owner.user.ackNotification({ notificationId: notifications[0]?.id ?? '' });
    expect((await owner.user.listNotifications({ unreadOnly: true })).notifications).toHaveLength(notifications.length - 1);
  });

  test('2. access access requests: the owner sees those for the connection, the requester the own', async () => {
    const ids = async (user: TestUser, filter: { connectionId?: string }): Promise<string[]> =>
      (await user.user.listAccessRequests(filter)).accessRequests.map(({ id }) => id);
    expect(await ids(owner, { connectionId })).toEqual([requestId]);
    expect(await ids(askers.editor, {})).toEqual([requestId]);
  });

  test('3. check permissions: nobody but an owner sees or decides the request', async () => {
    expect(
      (await denial(askers.manager.user.approveAccessRequest({ accessRequestId: requestId, decision: Decision.APPROVE }))).reason,
    ).toBe('NOT_FOUND');
    expect((await denial(askers.manager.user.listAccessRequests({ connectionId }))).reason).toBe('NOT_FOUND');
    expect((await askers.manager.user.listAccessRequests({})).accessRequests).toEqual([]);
  });

  test('3. check permissions: who asked does not decide', async () => {
    const { reason } = await denial(askers.editor.user.approveAccessRequest({ accessRequestId: requestId, decision: Decision.APPROVE }));
    expect(['OWN_REQUEST', 'NOT_FOUND', 'PERMISSION_DENIED']).toContain(reason);
    expect(await mayRead()).toBe(false);
  });

  test('4. review request: the pending ones, with requester and reason', async () => {
    const { accessRequests } = await owner.user.listAccessRequests({ connectionId, state: AccessRequest_State.PENDING });
    expect(accessRequests).toMatchObject([{ id: requestId, userId: askers.editor.id, reason: 'For the report' }]);
  });

  test('4. review request: who asks', async () => {
    const { accessRequests } = await owner.user.listAccessRequests({ connectionId });
    const { user } = await owner.user.getUser({ userId: accessRequests[0]?.userId ?? '' });
    expect(user).toMatchObject({ id: askers.editor.id, displayName: askers.editor.subject });
  });

  test('5. make decision, 6. submit, 7. update permissions: an approval gives the access at once', async () => {
    const { accessRequest } = await owner.user.approveAccessRequest({
      accessRequestId: requestId,
      decision: Decision.APPROVE,
      comment: 'Until June',
    });
    expect(accessRequest).toMatchObject({ state: AccessRequest_State.APPROVED, deciderId: owner.id, comment: 'Until June' });
    expect(await mayRead()).toBe(true);
    expect((await askers.editor.user.checkAccess({ connectionId, access: Access.WRITE })).allowed).toBe(false);
  });

  test('6. submit decision: once', async () => {
    const { reason } = await denial(owner.user.approveAccessRequest({ accessRequestId: requestId, decision: Decision.DENY }));
    expect(reason).toBe('ALREADY_DECIDED');
  });

  test('8. notify requester', () => told(askers.editor, Notification_Kind.ACCESS_DECIDED, /approved/));
});

describe('other decisions', () => {
  test('an owner takes an access back: it ends at once, and the holder is told', async () => {
    await owner.user.revokeAccess({ accessRequestId: requestId, comment: 'The report is done' });
    expect(await mayRead()).toBe(false);
    await told(askers.editor, Notification_Kind.ACCESS_DECIDED, /revoked/);
  });

  test('a denial gives nothing, and the requester is told', async () => {
    const { accessRequest } = await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'Once more' });
    await owner.user.approveAccessRequest({ accessRequestId: accessRequest?.id ?? '', decision: Decision.DENY });
    expect(await mayRead()).toBe(false);
    await told(askers.editor, Notification_Kind.ACCESS_DECIDED, /denied/);
  });

  test('an access ends when its time has passed', async () => {
    const { accessRequest } = await askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'For a moment' });
    const expireTime = new Date(Date.now() + 1500);
    await owner.user.approveAccessRequest({ accessRequestId: accessRequest?.id ?? '', decision: Decision.APPROVE, expireTime });
    expect(await mayRead()).toBe(true);
    await until(async () => ((await mayRead()) ? undefined : true));
    expect(Date.now()).toBeGreaterThanOrEqual(expireTime.getTime());
  });
});
