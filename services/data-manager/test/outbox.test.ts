// The Outbox through the wire: which entries one sees, in which order, and how rows are paged and filtered.
import { Entry_State, type Entry } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { makeOrders, type Orders } from '@lethe/testkit/orders';
import { preparedRun, uploadedRun } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
let others: Orders;
let uploadedId: string;
let preparedId: string;
let ordersEntry: Entry;
let customersEntry: Entry;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
  others = await makeOrders(suite, 'versioned');
  uploadedId = await uploadedRun(orders.worker, orders.taskId);
  preparedId = await preparedRun(orders.worker, orders.taskId);
  await preparedRun(others.worker, others.taskId);
  const { entries } = await orders.worker.data.getAll({ runId: preparedId });
  for (const entry of entries) {
    if (entry.table === 'orders') ordersEntry = entry;
    else customersEntry = entry;
  }
});
afterAll(() => suite.close());

const ids = (entries: Entry[]): string[] => entries.map(({ id }) => id);

describe('GetAll', () => {
  test('lists the entries of the own groups by id, and none of other groups', async () => {
    const { entries } = await orders.worker.data.getAll({});
    expect(entries).toHaveLength(4);
    expect(ids(entries)).toEqual(ids(entries).toSorted());
    expect(new Set(entries.map(({ groupId }) => groupId))).toEqual(new Set([orders.groupId]));
    expect((await orders.worker.data.getAll({ groupId: others.groupId })).entries).toEqual([]);
  });

  test('filters by run, module and state', async () => {
    const { data } = orders.worker;
    const runsOf = (entries: Entry[]): Set<string> => new Set(entries.map(({ runId }) => runId));
    expect(runsOf((await data.getAll({ runId: uploadedId })).entries)).toEqual(new Set([uploadedId]));
    expect(runsOf((await data.getAll({ state: Entry_State.UPLOADED })).entries)).toEqual(new Set([uploadedId]));
    expect(runsOf((await data.getAll({ state: Entry_State.READY })).entries)).toEqual(new Set([preparedId]));
    expect((await data.getAll({ moduleId: orders.moduleId })).entries).toHaveLength(4);
    expect((await data.getAll({ moduleId: others.moduleId })).entries).toEqual([]);
  });

  test('pages: each entry once, and no token after the last page', async () => {
    const first = await orders.worker.data.getAll({ pageSize: 3 });
    const second = await orders.worker.data.getAll({ pageSize: 3, pageToken: first.nextPageToken });
    expect([first.entries.length, second.entries.length, second.nextPageToken]).toEqual([3, 1, '']);
    expect(new Set([...ids(first.entries), ...ids(second.entries)]).size).toBe(4);
  });

  test('refuses the token of a list with other filters', async () => {
    const { nextPageToken } = await orders.worker.data.getAll({ pageSize: 1 });
    await expect(orders.worker.data.getAll({ pageSize: 1, pageToken: nextPageToken, runId: preparedId })).rejects.toMatchObject({
      reason: 'PAGE_TOKEN_MISMATCH',
    });
  });
});

describe('GetEntry', () => {
  test('says the same of a foreign entry as of one that is not there', async () => {
    const refusals = [customersEntry.id, randomUUID()].map((entryId) =>
      others.worker.data.getEntry({ entryId }).catch((error: unknown) => error),
    );
    const [foreign, missing] = await Promise.all(refusals);
    expect(foreign).toMatchObject({ reason: 'NOT_FOUND' });
    expect(missing).toEqual(foreign);
  });

  test('says what was measured, of a table with quasi-identifying columns and of one without', async () => {
    const { entry } = await orders.worker.data.getEntry({ entryId: customersEntry.id });
    expect(entry?.privacy).toMatchObject({ kRequired: 2, kAchieved: 5n, classCount: 2n, stale: false, violations: [] });
    const { entry: free } = await orders.worker.data.getEntry({ entryId: ordersEntry.id });
    expect(free?.privacy).toMatchObject({ kRequired: 0, kAchieved: 0n, levels: [], violations: [] });
    expect(free).toMatchObject({ rowCount: 30n, editedRowCount: 0n, etag: ordersEntry.etag });
  });
});

describe('ReadRows', () => {
  test('filters by several columns at once, values being compared as text and never read as SQL', async () => {
    const read = async (equals: Record<string, string>): Promise<number> =>
      (await orders.worker.data.readRows({ entryId: ordersEntry.id, equals })).rows.length;
    expect(await read({ customer: '3' })).toBe(3);
    expect(await read({ customer: '3', number: '13' })).toBe(1);
    expect(await read({ customer: '3', number: '14' })).toBe(0);
    expect(await read({ customer: "3' OR '1' = '1" })).toBe(0);
  });

  test('refuses a filter on a column that the entry does not have, and names the field', async () => {
    await expect(orders.worker.data.readRows({ entryId: ordersEntry.id, equals: { 'nu"mber': '1' } })).rejects.toMatchObject({
      reason: 'COLUMN_UNKNOWN',
      fields: [{ rule: 'COLUMN_UNKNOWN' }],
    });
  });

  test('refuses the page token of another entry, of another filter, and one that is none', async () => {
    const { nextPageToken } = await orders.worker.data.readRows({ entryId: ordersEntry.id, pageSize: 2 });
    expect(nextPageToken).not.toBe('');
    for (const request of [
      { entryId: customersEntry.id, pageToken: nextPageToken },
      { entryId: ordersEntry.id, pageToken: nextPageToken, equals: { customer: '3' } },
      { entryId: ordersEntry.id, pageToken: 'none' },
    ])
      await expect(orders.worker.data.readRows(request)).rejects.toMatchObject({ reason: 'PAGE_TOKEN_MISMATCH' });
  });

  test('returns the etag of the entry, which an edit changes', async () => {
    const { rows, etag } = await orders.worker.data.readRows({ entryId: ordersEntry.id, pageSize: 1 });
    expect(etag).toBe(ordersEntry.etag);
    const edits = [{ edit: { $case: 'deleteRowId' as const, value: rows[0]?.rowId ?? '' } }];
    const { entry } = await orders.worker.data.modifie({ entryId: ordersEntry.id, etag, edits });
    expect(entry).toMatchObject({ state: Entry_State.STALE, rowCount: 29n, editedRowCount: 1n });
    expect(entry?.etag).not.toBe(etag);
    expect((await orders.worker.data.readRows({ entryId: ordersEntry.id, pageSize: 1 })).etag).toBe(entry?.etag);
  });

  test('is refused to a superuser who has no duty in the group, while GetEntry is not', async () => {
    const { admin } = suite;
    // The maker of a group is its owner; without another one it would have to stay.
    await suite.member(orders.groupId, await suite.user(), Role.OWNER);
    await admin.user.removeGroupMember({ groupId: orders.groupId, userId: admin.id, etag: '*' });
    expect((await admin.data.getEntry({ entryId: ordersEntry.id })).entry?.id).toBe(ordersEntry.id);
    await expect(admin.data.readRows({ entryId: ordersEntry.id })).rejects.toMatchObject({ reason: 'PERMISSION_DENIED' });
  });
});
