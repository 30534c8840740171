// Use case: Stop ETL Task.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { startHeldSource, type HeldSource } from '@lethe/testkit/held-source';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';
import { preparedRun, startRun, waitFor } from '@lethe/testkit/runs';
import { makeVisits, type Visits } from '@lethe/testkit/visits';

const AT_ONCE_MS = 5_000;

let suite: Suite;
let people: People;
let source: HeldSource;
let visits: Visits;
let runId: string;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  source = await startHeldSource();
  visits = await makeVisits(suite, people.editor, people.groupId, source.url);
});
afterAll(async () => {
  source.close();
  await suite.close();
});

/** Files below DataManager's data folder whose path has the run's id. */
const filesOf = (id: string): string[] => {
  const root = join(suite.folder, 'data');
  return existsSync(root) ? readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => path.includes(id)) : [];
};

const runThatWaitsForItsSource = async (): Promise<string> => {
  source.hold();
  const before = source.asked();
  const id = await startRun(people.manager, visits.taskId);
  await until(async () => (source.asked() > before ? true : undefined));
  return id;
};

describe('basic flow: pause', () => {
  test('1. initiate: a run is in progress', async () => {
    runId = await runThatWaitsForItsSource();
    const { run } = await people.manager.task.getRun({ runId });
    expect(run?.state).toBe(RunState.EXTRACTING);
  });

  test('2. check permissions: who manages runs may pause, who reviews data may not', async () => {
    expect(await permissionsIn(people.manager, people.groupId)).toEqual(expect.arrayContaining(['run.pause', 'run.stop', 'run.resume']));
    expect((await denial(people.reviewer.task.pause({ runId }))).reason).toBe('PERMISSION_DENIED');
    expect((await denial(people.reviewer.task.stop({ runId }))).reason).toBe('PERMISSION_DENIED');
  });

  test('3. execute command, 6. confirmation: Pause ends the work within seconds, whatever the source does', async () => {
    const startMs = Date.now();
    await people.manager.task.pause({ runId });
    await waitFor(people.manager, runId, RunState.PAUSED);
    expect(Date.now() - startMs).toBeLessThan(AT_ONCE_MS);
  });

  test('3. execute command: a paused run does nothing until Resume, which ends it as if nothing had been', async () => {
    const asked = source.asked();
    source.release();
    expect((await people.manager.task.getRun({ runId })).run?.state).toBe(RunState.PAUSED);
    expect(source.asked()).toBe(asked);
    await people.manager.task.resume({ runId });
    const run = await waitFor(people.manager, runId, RunState.PREPARED);
    expect(run.tables).toMatchObject([{ storedCount: 40n }]);
  });
});

describe('basic flow: stop', () => {
  test('4. handle Outbox data: a prepared run is not stopped without a decision on its data', async () => {
    expect((await denial(people.manager.task.stop({ runId }))).reason).toBe('OUTBOX_DECISION_REQUIRED');
    expect((await people.manager.data.getAll({ runId })).entries).toHaveLength(1);
  });

  test('5. process decision: deleted data is gone, its files too', async () => {
    expect(filesOf(runId)).not.toEqual([]);
    await people.manager.task.stop({ runId, outbox: OutboxDecision.DELETE, reason: 'Not needed' });
    await until(async () => ((await people.manager.task.getRun({ runId })).run?.state === RunState.STOPPED ? true : undefined));
    const { entries } = await people.manager.data.getAll({ runId });
    for (const { id } of entries)
      expect((await denial(people.reviewer.data.readRows({ entryId: id }))).reason).toMatch(/ROWS_GONE|ENTRY_STATE|NOT_FOUND/);
    await until(async () => (filesOf(runId).length === 0 ? true : undefined));
  });

  test('5. process decision: kept data can be read', async () => {
    const keptId = await preparedRun(people.manager, visits.taskId);
    await people.manager.task.stop({ runId: keptId, outbox: OutboxDecision.KEEP });
    await until(async () => ((await people.manager.task.getRun({ runId: keptId })).run?.state === RunState.STOPPED ? true : undefined));
    const { entries } = await people.manager.data.getAll({ runId: keptId });
    expect((await people.reviewer.data.readRows({ entryId: entries[0]?.id ?? '' })).rows.length).toBeGreaterThan(0);
  });

  test('3. execute command: Stop in the middle of a stage ends the work within seconds and leaves no raw data', async () => {
    const id = await runThatWaitsForItsSource();
    const startMs = Date.now();
    await people.manager.task.stop({ runId: id });
    await until(async () => ((await people.manager.task.getRun({ runId: id })).run?.state === RunState.STOPPED ? true : undefined));
    expect(Date.now() - startMs).toBeLessThan(AT_ONCE_MS);
    await until(async () => (filesOf(id).length === 0 ? true : undefined));
    source.release();
  });

  test('6. confirmation: a stopped run takes no more commands, and the task another run', async () => {
    const { reason } = await denial(people.manager.task.resume({ runId }));
    expect(reason).toBe('RUN_STATE');
    await preparedRun(people.manager, visits.taskId);
  });
});
