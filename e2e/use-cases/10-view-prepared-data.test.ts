// Use case: View Prepared Data.
import { Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
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
let runId: string;
let entry: Entry;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  const { taskId } = await makeVisits(suite, people.editor, people.groupId);
  runId = await preparedRun(people.manager, taskId);
});
afterAll(() => suite.close());

const cellOf = (row: Row, column: string): unknown => row.cells[entry.columns.findIndex(({ name }) => name === column)]?.value?.value;

describe('basic flow', () => {
  test('1. access Outbox, 3. retrieve data entries: what waits for review, by run', async () => {
    const { entries } = await people.reviewer.data.getAll({ runId });
    expect(entries).toHaveLength(1);
    entry = entries[0] as Entry;
    expect(entry).toMatchObject({ table: 'visits', rowCount: 40n, editedRowCount: 0n });
    expect(entry.expireTime?.getTime()).toBeGreaterThan(Date.now());
  });

  test('2. check permissions: who reviews data sees rows, who manages runs sees entries, who edits tasks neither', async () => {
    expect(await permissionsIn(people.reviewer, people.groupId)).toEqual(expect.arrayContaining(['entry.list', 'row.read']));
    expect(await permissionsIn(people.manager, people.groupId)).not.toContain('row.read');
    expect((await denial(people.manager.data.readRows({ entryId: entry.id }))).reason).toBe('PERMISSION_DENIED');
    expect((await denial(people.editor.data.getAll({ runId }))).reason).toBe('PERMISSION_DENIED');
    expect((await denial(people.editor.data.getEntry({ entryId: entry.id }))).reason).toBe('PERMISSION_DENIED');
  });

  test('4. select data entry, 5. view details: columns with their roles, and what was measured', async () => {
    const { entry: found } = await people.reviewer.data.getEntry({ entryId: entry.id });
    expect(found?.columns.map(({ name, role }) => [name, role])).toEqual([
      ['id', Role.PSEUDONYM],
      ['city', Role.QUASI_IDENTIFYING],
      ['amount', Role.SENSITIVE],
    ]);
    expect(found?.privacy).toMatchObject({ kRequired: 5, kAchieved: 20n, classCount: 2n, suppressedCount: 0n });
    expect(found?.contentHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('5. view details: the rows, page by page, each once, with tokens for keys', async () => {
    const rows: Row[] = [];
    let pageToken = '';
    do {
      const page = await people.reviewer.data.readRows({ entryId: entry.id, pageSize: 7, pageToken });
      expect(page.rows.length).toBeLessThanOrEqual(7);
      rows.push(...page.rows);
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(new Set(rows.map(({ rowId }) => rowId)).size).toBe(40);
    expect(rows.every((row) => /^[0-9a-f]{32,64}$/.test(String(cellOf(row, 'id'))))).toBe(true);
    expect(new Set(rows.map((row) => cellOf(row, 'id'))).size).toBe(40);
    expect(rows.map((row) => Number(cellOf(row, 'amount'))).toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, index) => index * 7),
    );
  });

  test('5. view details: rows by the value of a column, and by the size of their class', async () => {
    const turin = await people.reviewer.data.readRows({ entryId: entry.id, pageSize: 1000, equals: { city: 'Turin' } });
    expect(turin.rows).toHaveLength(20);
    expect((await people.reviewer.data.readRows({ entryId: entry.id, minClassSize: 21n })).rows).toEqual([]);
  });

  test('who has looked is in the log, what was seen is not', async () => {
    const [log] = await until(async () => {
      const { auditLogs } = await suite.admin.audit.listAuditLogs({ actorId: people.reviewer.id, action: 'ReadRows', query: '' });
      return auditLogs.length > 0 ? auditLogs : undefined;
    });
    const { auditLog } = await suite.admin.audit.getAuditLog({ auditLogId: log?.id ?? '' });
    const text = JSON.stringify(auditLog, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    expect(text).not.toMatch(/Turin/);
  });
});
