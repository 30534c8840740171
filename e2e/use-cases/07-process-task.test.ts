// Use case: Process ETL Task.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { stateName } from '@lethe/contracts/run-state';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';
import { startRun, waitFor } from '@lethe/testkit/runs';
import { makeVisits, VISITS_K, writeVisits, type Visits } from '@lethe/testkit/visits';

let suite: Suite;
let people: People;
let visits: Visits;
let runId: string;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  visits = await makeVisits(suite, people.editor, people.groupId);
});
afterAll(() => suite.close());

const notified = (kind: Notification_Kind, id: string): Promise<unknown> =>
  until(async () =>
    (await people.manager.user.listNotifications({})).notifications.find((found) => found.kind === kind && found.resource.includes(id)),
  );

const systemActions = async (id: string): Promise<string[]> => {
  const { auditLogs } = await suite.admin.audit.listAuditLogs({ runId: id, pageSize: 500 });
  return auditLogs.map(({ record }) => record?.action ?? '').filter((action) => action.startsWith('system/'));
};

describe('basic flow', () => {
  test('1. initiate task processing: the task is among those that can be run', async () => {
    const { tasks } = await people.manager.task.listTasks({ groupId: people.groupId });
    expect(tasks.find(({ id }) => id === visits.taskId)?.releasedRevision).toBeGreaterThan(0);
  });

  test('2. check permissions: who manages runs may start one, who edits tasks may not', async () => {
    expect(await permissionsIn(people.manager, people.groupId)).toContain('run.start');
    expect(await permissionsIn(people.editor, people.groupId)).not.toContain('run.start');
    expect((await denial(startRun(people.editor, visits.taskId))).reason).toBe('PERMISSION_DENIED');
  });

  test('3. start: Start returns the run, and a second run of the task has to wait', async () => {
    runId = await startRun(people.manager, visits.taskId);
    const { reason, metadata } = await denial(startRun(people.manager, visits.taskId));
    expect(reason).toBe('RUN_ALREADY_ACTIVE');
    expect(metadata).toMatchObject({ run_id: runId });
  });

  test('4. extraction, 5. field rules, 6. transformation, 7. anonymization, 8. storing: each stage passes, and has its record', async () => {
    const run = await waitFor(people.manager, runId, RunState.PREPARED);
    expect(run.tables).toMatchObject([{ table: 'visits', storedCount: 40n }]);
    const stages = [RunState.EXTRACTING, RunState.APPLYING_RULES, RunState.TRANSFORMING, RunState.ANONYMIZING, RunState.STORING];
    const wanted = stages.map((state) => `system/stage/${stateName(state)}`);
    await until(async () => {
      const actions = await systemActions(runId);
      return wanted.every((action) => actions.includes(action)) ? actions : undefined;
    });
  });

  test('8. storing: the run and its record say of each stage when it began and ended, and how many rows came out of it', async () => {
    const { run } = await people.manager.task.getRun({ runId });
    const stages = run?.stages ?? [];
    expect(stages.map(({ stage, rowCount }) => [stateName(stage), rowCount])).toEqual([
      ['EXTRACTING', 40n],
      ['APPLYING_RULES', 40n],
      ['TRANSFORMING', 40n],
      ['ANONYMIZING', 40n],
      ['STORING', 40n],
    ]);
    const times = stages.flatMap(({ startTime, endTime }) => [startTime?.getTime() ?? NaN, endTime?.getTime() ?? NaN]);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const id = await until(async () => {
      const { auditLogs } = await suite.admin.audit.listAuditLogs({ runId, action: 'prepare' });
      return auditLogs[0]?.id;
    });
    const { auditLog } = await suite.admin.audit.getAuditLog({ auditLogId: id });
    expect(auditLog?.record?.after?.['stages']).toHaveLength(stages.length);
  });

  test('8. store processed data: the Outbox has an entry that meets its requirement', async () => {
    const { entries } = await people.manager.data.getAll({ runId });
    expect(entries).toMatchObject([{ table: 'visits', rowCount: 40n }]);
    expect(entries[0]?.privacy).toMatchObject({ kRequired: VISITS_K, kAchieved: 20n, violations: [] });
  });

  test('9. confirmation: the manager is told', () => notified(Notification_Kind.RUN_PREPARED, runId));
});

describe('alternate path: processing error', () => {
  let failedId: string;

  test('1. the error is logged, 3. processing is halted: the run ends as failed and says why, without a value', async () => {
    writeFileSync(join(visits.folder, 'visits.csv'), 'id,city,amount\n1,Atlantis,2\n');
    failedId = await startRun(people.manager, visits.taskId);
    await expect(waitFor(people.manager, failedId, RunState.PREPARED)).rejects.toThrow('FAILED');
    const { run } = await people.manager.task.getRun({ runId: failedId });
    expect(run?.error).toMatch(/hierarchy city/i);
    expect(run?.error).not.toContain('Atlantis');
    expect((await people.manager.data.getAll({ runId: failedId })).entries).toEqual([]);
    await until(async () => ((await systemActions(failedId)).some((action) => /fail/.test(action)) ? true : undefined));
  });

  test('2. the manager is informed', () => notified(Notification_Kind.RUN_FAILED, failedId));

  test('the next run of the task goes through once the source is well', async () => {
    writeVisits(visits.folder);
    await waitFor(people.manager, await startRun(people.manager, visits.taskId), RunState.PREPARED);
  });
});
