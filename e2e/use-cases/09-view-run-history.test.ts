// Use case: View Run History.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { AuditLog } from '@lethe/contracts/gen/lethe/audit/v1/audit_service';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';
import { uploadedRun } from '@lethe/testkit/runs';
import { makeVisits, type Visits } from '@lethe/testkit/visits';

let suite: Suite;
let people: People;
let visits: Visits;
let runIds: string[];
let logs: AuditLog[];
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  visits = await makeVisits(suite, people.editor, people.groupId);
  runIds = [await uploadedRun(people.manager, visits.taskId), await uploadedRun(people.manager, visits.taskId)];
});
afterAll(() => suite.close());

describe('basic flow', () => {
  test('1. access run history: the runs of a task, newest first', async () => {
    const { runs } = await people.guest.task.listRuns({ taskId: visits.taskId });
    expect(runs.map(({ id }) => id)).toEqual(runIds.toReversed());
  });

  test('2. retrieve audit logs: those of a run, for who started it', async () => {
    logs = await until(async () => {
      const { auditLogs } = await people.manager.audit.listAuditLogs({ runId: runIds[0] ?? '', pageSize: 500 });
      return auditLogs.some(({ record }) => record?.action === 'system/upload/finish') ? auditLogs : undefined;
    });
    expect(logs.length).toBeGreaterThan(7);
    expect((await people.stranger.audit.listAuditLogs({ runId: runIds[0] ?? '' })).auditLogs).toEqual([]);
  });

  test('3. display summary: state, version, times and counts of each run', async () => {
    const { runs } = await people.manager.task.listRuns({ groupId: people.groupId, state: RunState.UPLOADED });
    expect(runs).toHaveLength(2);
    for (const run of runs) {
      expect(run.publishedVersion).toMatch(/^1\.0\.[01]$/);
      expect(run.endTime?.getTime()).toBeGreaterThan(run.createTime?.getTime() ?? Number.POSITIVE_INFINITY);
      expect(run.tables).toMatchObject([{ table: 'visits', storedCount: 40n }]);
    }
  });

  test('4. view details: GetAuditLog of a record, and who may not', async () => {
    const auditLogId = logs[0]?.id ?? '';
    const { auditLog } = await people.manager.audit.getAuditLog({ auditLogId });
    expect(auditLog?.record?.runId).toBe(runIds[0]);
    expect((await denial(people.stranger.audit.getAuditLog({ auditLogId }))).reason).toBe('NOT_FOUND');
  });

  test('5. present information: what was processed in which stage, as counts and never as values', async () => {
    const { run } = await people.manager.task.getRun({ runId: runIds[0] ?? '' });
    expect(run?.tables[0]?.read.map(({ rowCount }) => rowCount)).toEqual([40n]);
    const details = await Promise.all(logs.map(({ id }) => people.manager.audit.getAuditLog({ auditLogId: id })));
    const text = JSON.stringify(details, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    expect(text).not.toMatch(/Turin|Ghent/);
  });
});
