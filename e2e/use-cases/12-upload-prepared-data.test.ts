// Use case: Upload Prepared Data.
import { RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { Entry_State } from '@lethe/contracts/gen/lethe/data/v1/entry';
import { Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { until } from '@lethe/testkit/until';
import { preparedRun, waitFor } from '@lethe/testkit/runs';
import { makeVisits, type Visits } from '@lethe/testkit/visits';

let suite: Suite;
let people: People;
let visits: Visits;
let runId: string;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  visits = await makeVisits(suite, people.editor, people.groupId);
  runId = await preparedRun(people.manager, visits.taskId);
});
afterAll(() => suite.close());

const publishedFiles = (): string[] =>
  readdirSync(visits.folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.includes('published') && path.endsWith('.csv'))
    .toSorted();

describe('basic flow', () => {
  test('1. review prepared data: the entry and its guarantees', async () => {
    const { entries } = await people.manager.data.getAll({ runId });
    expect(entries[0]).toMatchObject({ state: Entry_State.READY, privacy: { violations: [] } });
    expect(publishedFiles()).toEqual([]);
  });

  test('3. check permissions: who reviews data does not upload it', async () => {
    expect(await permissionsIn(people.manager, people.groupId)).toContain('run.start');
    const { reason } = await denial(people.reviewer.task.start({ target: { $case: 'runId', value: runId } }));
    expect(reason).toBe('PERMISSION_DENIED');
  });

  test('2. initiate upload, 4. execute uploading script, 5. transfer data: the rows are at the destination', async () => {
    await people.manager.task.start({ target: { $case: 'runId', value: runId } });
    const run = await waitFor(people.manager, runId, RunState.UPLOADED);
    expect(run.publishedVersion).toBe('1.0.0');
    const lines = publishedFiles().flatMap((path) => readFileSync(join(visits.folder, path), 'utf8').trim().split('\n').slice(1));
    expect(lines).toHaveLength(40);
  });

  test('5. transfer data: the module has the version, with a document that collects it', async () => {
    const { version } = await people.manager.extdatamodule.getDataModuleVersion({ moduleId: visits.moduleId, version: '1.0.0' });
    expect(JSON.stringify(version?.document)).toContain('published');
    const { dataModule } = await people.manager.extdatamodule.getDataModule({ moduleId: visits.moduleId });
    expect(dataModule?.headVersion).toBe('1.0.0');
  });

  test('6. update Outbox: the data is marked as uploaded, and a second upload is refused', async () => {
    const { entries } = await people.manager.data.getAll({ runId });
    expect(entries[0]?.state).toBe(Entry_State.UPLOADED);
    expect((await denial(people.manager.task.start({ target: { $case: 'runId', value: runId } }))).reason).toBe('RUN_STATE');
  });

  test('7. confirmation: the manager is told', () =>
    until(async () =>
      (await people.manager.user.listNotifications({})).notifications.find(
        ({ kind, resource }) => kind === Notification_Kind.RUN_FINISHED && resource.includes(runId),
      ),
    ));

  test('2. initiate upload by Resume: the next version, PATCH for the same rows', async () => {
    const nextId = await preparedRun(people.manager, visits.taskId);
    await people.manager.task.resume({ runId: nextId });
    expect((await waitFor(people.manager, nextId, RunState.UPLOADED)).publishedVersion).toBe('1.0.1');
  });
});

describe('alternate path: no action taken', () => {
  const RETENTION_MS = 2_000;
  let short: Suite;
  let shortPeople: People;
  beforeAll(async () => {
    short = await startSuite({ settings: { LETHE_RETENTION_MS: String(RETENTION_MS), LETHE_TEST_RETENTION: '1' } });
    shortPeople = await makePeople(short);
  });
  afterAll(() => short.close());

  test('1. data is kept for the period, 2. and then deleted by the system: rows, files, and a record of it', async () => {
    const { taskId } = await makeVisits(short, shortPeople.editor, shortPeople.groupId);
    const id = await preparedRun(shortPeople.manager, taskId);
    const { entries } = await shortPeople.reviewer.data.getAll({ runId: id });
    const entryId = entries[0]?.id ?? '';
    expect((await shortPeople.reviewer.data.readRows({ entryId })).rows.length).toBeGreaterThan(0);
    await until(async () => ((await shortPeople.manager.task.getRun({ runId: id })).run?.state === RunState.EXPIRED ? true : undefined));
    expect((await denial(shortPeople.reviewer.data.readRows({ entryId }))).reason).toMatch(/ROWS_GONE|ENTRY_STATE|NOT_FOUND/);
    const root = join(short.folder, 'data');
    await until(async () =>
      !existsSync(root) || !readdirSync(root, { recursive: true, encoding: 'utf8' }).some((path) => path.includes(id)) ? true : undefined,
    );
    await until(async () => {
      const { auditLogs } = await short.admin.audit.listAuditLogs({ runId: id, pageSize: 200 });
      return auditLogs.find(({ record }) => /expire|retention/i.test(record?.action ?? ''));
    });
    expect((await denial(shortPeople.manager.task.start({ target: { $case: 'runId', value: id } }))).reason).toBe('RUN_STATE');
  });
});
