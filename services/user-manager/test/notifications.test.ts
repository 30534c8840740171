// Notifications: everybody's own, newest first, and read once.
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { Notification } from '@lethe/contracts/gen/lethe/user/v1/access';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { randomUUID } from 'node:crypto';

const NAMES = ['first', 'second', 'third'];

let suite: Suite;
let people: People;
let owner: TestUser;
let told: Notification[];
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule'] });
  people = await makePeople(suite);
  owner = people.guest;
  const { editor, groupId } = people;
  for (const displayName of NAMES)
    await editor.extdatamodule.createConnection({
      groupId,
      displayName,
      type: 'file',
      settings: { path: displayName },
      ownerIds: [owner.id],
    });
  told = await until(async () => {
    const { notifications } = await owner.user.listNotifications({});
    return notifications.length === NAMES.length ? notifications : undefined;
  });
});
afterAll(() => suite.close());

test('the owner of a connection is told once of each, newest first, with what it is about', () => {
  expect(told.map(({ kind }) => kind)).toEqual(NAMES.map(() => Notification_Kind.CONNECTION_CREATED));
  expect(told.map(({ text }) => NAMES.find((name) => text.includes(name)))).toEqual(NAMES.toReversed());
  for (const { resource, groupId, createTime, ackTime } of told) {
    expect(resource).toMatch(/^connections\/[0-9a-f-]{36}$/);
    expect(groupId).toBe(people.groupId);
    expect(createTime).toBeInstanceOf(Date);
    expect(ackTime).toBeUndefined();
  }
});

test('the list goes page by page, each once', async () => {
  const first = await owner.user.listNotifications({ pageSize: 2 });
  const rest = await owner.user.listNotifications({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.notifications, ...rest.notifications].map(({ id }) => id)).toEqual(told.map(({ id }) => id));
  expect(rest.nextPageToken).toBe('');
  await expect(owner.user.listNotifications({ pageToken: first.nextPageToken, unreadOnly: true })).rejects.toMatchObject({
    reason: 'PAGE_TOKEN_MISMATCH',
  });
});

test('a notification is read once: again changes nothing', async () => {
  const notificationId = told[0]?.id ?? '';
  const first = await owner.user.ackNotification({ notificationId });
  expect(first.notification).toMatchObject({ id: notificationId, resource: told[0]?.resource });
  expect(first.notification?.ackTime).toBeInstanceOf(Date);
  expect((await owner.user.ackNotification({ notificationId })).notification?.ackTime).toEqual(first.notification?.ackTime);
  const { notifications } = await owner.user.listNotifications({ unreadOnly: true });
  expect(notifications.map(({ id }) => id)).toEqual(told.slice(1).map(({ id }) => id));
});

test('nobody sees or reads the notifications of another, the superuser neither', async () => {
  const { editor, stranger } = people;
  expect((await editor.user.listNotifications({})).notifications).toEqual([]);
  for (const other of [editor, stranger, suite.admin])
    await expect(other.user.ackNotification({ notificationId: told[1]?.id ?? '' })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  expect((await owner.user.listNotifications({})).notifications.find(({ id }) => id === told[1]?.id)?.ackTime).toBeUndefined();
});

test('an id that nobody has is not found, and one that is none is refused by field', async () => {
  await expect(owner.user.ackNotification({ notificationId: randomUUID() })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
  await expect(owner.user.ackNotification({ notificationId: 'first' })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'notification_id' }],
  });
});
