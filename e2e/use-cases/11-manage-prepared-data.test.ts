// Use case: Manage Prepared Data.
import type { Entry, Row } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';
import { preparedRun } from '@lethe/testkit/runs';
import { makeVisits } from '@lethe/testkit/visits';

let suite: Suite;
let people: People;
let entry: Entry;
let etag: string;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  const { taskId } = await makeVisits(suite, people.editor, people.groupId);
  const { entries } = await people.reviewer.data.getAll({ runId: await preparedRun(people.manager, taskId) });
  entry = entries[0] as Entry;
});
afterAll(() => suite.close());

const read = async (): Promise<Row[]> => {
  const page = await people.reviewer.data.readRows({ entryId: entry.id, pageSize: 1000 });
  etag = page.etag;
  return page.rows;
};
const place = (column: string): number => entry.columns.findIndex(({ name }) => name === column);
const cellOf = (row: Row | undefined, column: string): unknown => row?.cells[place(column)]?.value?.value;
const first = async (): Promise<Row> => (await read())[0] as Row;

describe('basic flow', () => {
  test('1. access data management, 2. check permissions: who reviews data may change it, who manages runs may not', async () => {
    const { rowId } = await first();
    expect(await permissionsIn(people.reviewer, people.groupId)).toContain('row.edit');
    const edits = [{ edit: { $case: 'deleteRowId' as const, value: rowId } }];
    expect((await denial(people.manager.data.modifie({ entryId: entry.id, etag, edits }))).reason).toBe('PERMISSION_DENIED');
  });

  test('3. select action: a dry run says what would be, and changes nothing', async () => {
    const { rowId } = await first();
    const edits = [{ edit: { $case: 'deleteRowId' as const, value: rowId } }];
    const { after } = await people.reviewer.data.modifie({ entryId: entry.id, etag, edits, validateOnly: true });
    expect(after).toMatchObject({ kAchieved: 19n, violations: [] });
    expect(await read()).toHaveLength(40);
  });

  test('4. perform action, 6. confirmation: a row is deleted', async () => {
    const { rowId } = await first();
    const { entry: changed } = await people.reviewer.data.modifie({
      entryId: entry.id,
      etag,
      edits: [{ edit: { $case: 'deleteRowId', value: rowId } }],
    });
    expect(changed).toMatchObject({ rowCount: 39n });
    expect(changed?.contentHash).not.toBe(entry.contentHash);
    expect((await read()).map((row) => row.rowId)).not.toContain(rowId);
  });

  test('4. perform action: a row is edited', async () => {
    const { rowId } = await first();
    const cells = { amount: { value: { $case: 'int64' as const, value: 123_456n } } };
    await people.reviewer.data.modifie({ entryId: entry.id, etag, edits: [{ edit: { $case: 'update', value: { rowId, cells } } }] });
    const edited = (await read()).find((row) => row.rowId === rowId);
    expect(cellOf(edited, 'amount')).toBe(123_456n);
  });

  test('4. perform action: a row is added', async () => {
    const sample = await first();
    const cells = sample.cells.map((cell, index) =>
      index === place('id') ? { value: { $case: 'text' as const, value: '0'.repeat(String(cellOf(sample, 'id')).length) } } : cell,
    );
    await people.reviewer.data.modifie({ entryId: entry.id, etag, edits: [{ edit: { $case: 'add', value: { rowId: '', cells } } }] });
    expect(await read()).toHaveLength(40);
  });

  test('5. process changes: a value of another type is refused, with the column named, and nothing changes', async () => {
    const { rowId } = await first();
    const cells = { amount: { value: { $case: 'text' as const, value: 'much' } } };
    const error = await denial(
      people.reviewer.data.modifie({ entryId: entry.id, etag, edits: [{ edit: { $case: 'update', value: { rowId, cells } } }] }),
    );
    expect(error.reason).toBe('EDIT_INVALID');
    expect(JSON.stringify([error.message, error.fields, error.metadata])).toContain('amount');
    expect(error.message).not.toContain('much');
    expect(
      (await denial(people.reviewer.data.modifie({ entryId: entry.id, etag, edits: [{ edit: { $case: 'deleteRowId', value: '999' } }] })))
        .reason,
    ).toBe('ROW_UNKNOWN');
    expect(await read()).toHaveLength(40);
  });

  test('5. process changes: edits on an old view are refused', async () => {
    const { rowId } = await first();
    const edits = [{ edit: { $case: 'deleteRowId' as const, value: rowId } }];
    expect((await denial(people.reviewer.data.modifie({ entryId: entry.id, etag: 'old', edits }))).reason).toBe('ETAG_MISMATCH');
  });

  test('5. process changes: a batch goes through whole or not at all', async () => {
    const { rowId } = await first();
    const edits = [rowId, '999'].map((value) => ({ edit: { $case: 'deleteRowId' as const, value } }));
    await denial(people.reviewer.data.modifie({ entryId: entry.id, etag, edits }));
    expect((await read()).map((row) => row.rowId)).toContain(rowId);
  });

  test('5. process changes: what the edits break is said, and such an entry is not uploaded', async () => {
    const rows = (await read()).filter((row) => cellOf(row, 'city') === 'Turin');
    const edits = rows.slice(3).map(({ rowId }) => ({ edit: { $case: 'deleteRowId' as const, value: rowId } }));
    const { after } = await people.reviewer.data.modifie({ entryId: entry.id, etag, edits });
    expect(after).toMatchObject({ kAchieved: 3n });
    expect(after?.violations.length).toBeGreaterThan(0);
    await people.manager.task.start({ target: { $case: 'runId', value: entry.runId } });
    const refused = await until(async () => {
      const { run } = await people.manager.task.getRun({ runId: entry.runId });
      return run?.refusal ? run : undefined;
    });
    expect(refused.publishedVersion).toBe('');
  });
});

test('the log has who changed how many rows, and no value of them', async () => {
  const logs = await until(async () => {
    const { auditLogs } = await suite.admin.audit.listAuditLogs({ actorId: people.reviewer.id, action: 'Modifie' });
    return auditLogs.length > 5 ? auditLogs : undefined;
  });
  const details = await Promise.all(logs.map(({ id }) => suite.admin.audit.getAuditLog({ auditLogId: id })));
  const text = JSON.stringify(details, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
  expect(text).not.toMatch(/123456|Turin|much/);
});
