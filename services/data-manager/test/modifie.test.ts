// References between published tables under edits, through the wire.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Cell, Entry, Row } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { NullValue } from '@lethe/contracts/gen/google/protobuf/struct';
import { makeOrders, type Orders } from '@lethe/testkit/orders';
import { confirmUpload, preparedRun, waitFor } from '@lethe/testkit/runs';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

let suite: Suite;
let orders: Orders;
let runId: string;
beforeAll(async () => {
  suite = await startSuite();
  orders = await makeOrders(suite, 'versioned');
});
afterAll(() => suite.close());
beforeEach(async () => {
  runId = await preparedRun(orders.worker, orders.taskId);
});

const entryOf = async (table: string): Promise<Entry> => {
  const { entries } = await orders.worker.data.getAll({ runId });
  const entry = entries.find((candidate) => candidate.table === table);
  if (!entry) throw new Error(`there is no entry of ${table}`);
  return entry;
};

const place = ({ columns }: Entry, name: string): number => columns.findIndex((column) => column.name === name);

/** The rows of a table whose column holds a number. */
const rowsWith = async (entry: Entry, column: string, value: bigint): Promise<Row[]> => {
  const { rows } = await orders.worker.data.readRows({ entryId: entry.id, equals: { [column]: String(value) } });
  expect(rows.length).toBeGreaterThan(0);
  return rows;
};

const deletions = (rows: Row[]) => rows.map(({ rowId }) => ({ edit: { $case: 'deleteRowId' as const, value: rowId } }));

const remove = async (table: string, column: string, value: bigint) => {
  const entry = await entryOf(table);
  const edits = deletions(await rowsWith(entry, column, value));
  return (await orders.worker.data.modifie({ entryId: entry.id, etag: entry.etag, edits })).after;
};

test('deleting a row that another table refers to is said, and the upload is refused', async () => {
  const after = await remove('customers', 'id', 3n);
  expect(after?.violations).toEqual(['Table orders: 3 rows refer by customer to rows that table customers does not have.']);
  await confirmUpload(orders.worker, runId);
  await expect
    .poll(async () => (await orders.worker.task.getRun({ runId })).run?.refusal, { timeout: 20_000 })
    .toMatch(/Table orders: 3 rows refer by customer/);
  const { run } = await orders.worker.task.getRun({ runId });
  expect(run).toMatchObject({ state: RunState.PREPARED, publishedVersion: '' });
});

test('where the referring rows go as well, nothing is broken and the upload goes through', async () => {
  expect((await remove('orders', 'customer', 4n))?.violations).toEqual([]);
  expect((await remove('customers', 'id', 4n))?.violations).toEqual([]);
  await confirmUpload(orders.worker, runId);
  const { publishedVersion } = await waitFor(orders.worker, runId, RunState.UPLOADED);
  expect(publishedVersion).not.toBe('');
});

test('an order that is pointed at a customer that is not there is refused with its cell, in a dry run too', async () => {
  const entry = await entryOf('orders');
  const [row] = await rowsWith(entry, 'number', 5n);
  const cells = { customer: { value: { $case: 'int64' as const, value: 4711n } } };
  const edits = [{ edit: { $case: 'update' as const, value: { rowId: row?.rowId ?? '', cells } } }];
  await expect(orders.worker.data.modifie({ entryId: entry.id, etag: entry.etag, edits, validateOnly: true })).rejects.toMatchObject({
    reason: 'EDIT_INVALID',
    fields: [
      {
        field: 'edits[0].update.cells["customer"]',
        rule: 'REFERENCE_UNKNOWN',
        description: 'the table customers has no row that customer refers to',
      },
    ],
  });
  expect((await rowsWith(entry, 'number', 5n))[0]?.cells[place(entry, 'customer')]?.value?.value).toBe(5n);
});

test('a row whose parent an edit deleted may be changed in another cell, or be pointed elsewhere, but not at the deleted one', async () => {
  await remove('customers', 'id', 6n);
  const entry = await entryOf('orders');
  const [row] = await rowsWith(entry, 'customer', 6n);
  const edit = (cells: Record<string, Cell>) =>
    orders.worker.data.modifie({
      entryId: entry.id,
      etag: '*',
      edits: [{ edit: { $case: 'update' as const, value: { rowId: row?.rowId ?? '', cells } } }],
    });
  await expect(edit({ customer: { value: { $case: 'int64', value: 6n } } })).rejects.toMatchObject({
    fields: [{ rule: 'REFERENCE_UNKNOWN' }],
  });
  expect((await edit({ amount: { value: { $case: 'int64', value: 7n } } })).after?.violations.join()).toContain('refer by customer');
  await edit({ customer: { value: { $case: 'int64', value: 5n } } });
});

test('a cell beyond its range, and an empty one where a value is required, are refused with their cells', async () => {
  const entry = await entryOf('orders');
  const [row] = await rowsWith(entry, 'number', 5n);
  const edit = (cells: Record<string, Cell>) =>
    orders.worker.data.modifie({
      entryId: entry.id,
      etag: entry.etag,
      edits: [{ edit: { $case: 'update' as const, value: { rowId: row?.rowId ?? '', cells } } }],
    });
  await expect(edit({ amount: { value: { $case: 'int64', value: -1n } } })).rejects.toMatchObject({
    reason: 'EDIT_INVALID',
    fields: [{ field: 'edits[0].update.cells["amount"]', rule: 'RANGE', description: 'the column amount is beyond its range' }],
  });
  await expect(edit({ number: { value: { $case: 'null', value: NullValue.NULL_VALUE } } })).rejects.toMatchObject({
    reason: 'EDIT_INVALID',
    fields: [{ field: expect.stringMatching(/^edits\[0\]/), rule: 'KEY_EMPTY' }],
  });
  await expect(edit({ amount: { value: { $case: 'null', value: NullValue.NULL_VALUE } } })).rejects.toMatchObject({
    reason: 'EDIT_INVALID',
    fields: [{ field: 'edits[0].update.cells["amount"]', rule: 'REQUIRED', description: 'the column amount must not be empty' }],
  });
});

test('a key that would occur twice is refused, and names no value', async () => {
  const entry = await entryOf('orders');
  const [row] = await rowsWith(entry, 'number', 5n);
  const cells = { number: { value: { $case: 'int64' as const, value: 6n } } };
  const edits = [{ edit: { $case: 'update' as const, value: { rowId: row?.rowId ?? '', cells } } }];
  await expect(orders.worker.data.modifie({ entryId: entry.id, etag: entry.etag, edits })).rejects.toMatchObject({
    reason: 'EDIT_INVALID',
    fields: [{ field: 'edits', rule: 'KEY_TWICE', description: '1 keys would occur twice: number' }],
  });
});
