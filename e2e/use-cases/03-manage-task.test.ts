// Use case: Manage ETL Task.
import { Script_Language, Script_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Task } from '@lethe/contracts/gen/lethe/task/v1/task';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';
import { makePeople, permissionsIn, type People } from '@lethe/testkit/people';
import { preparedRun } from '@lethe/testkit/runs';
import { makeVisits, VISIT_COLUMNS, visitsDocument, type Visits } from '@lethe/testkit/visits';

let suite: Suite;
let people: People;
let visits: Visits;
let moduleId: string;
let task: Task;
const binding = (scriptId: string, connectionId = '') => ({
  table: 'visits',
  script: { scriptId, version: 0 },
  connectionId,
  rank: 1,
  parameters: {},
});

beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
  visits = await makeVisits(suite, people.editor, people.groupId);
  // A module that leaves everything but its tables to the task.
  const { '@context': context, '@type': type, name, tables } = visitsDocument(visits.connectionId);
  const document = { '@context': context, '@type': type, name, tables };
  moduleId =
    (await people.editor.extdatamodule.createDataModule({ groupId: people.groupId, displayName: 'bare', document })).dataModule?.id ?? '';
});
afterAll(() => suite.close());

const script = async (
  type: Script_Type,
  language: Script_Language,
  content: string,
  properties: Record<string, unknown> = {},
): Promise<string> => {
  const { groupId, editor } = people;
  const made = await editor.script.createScript({ groupId, displayName: `${type} ${content.length}`, type, language, content, properties });
  const scriptId = made.script?.id ?? '';
  await editor.script.releaseScript({ scriptId, version: 1 });
  return scriptId;
};

const attach = async (change: (taskId: string, etag: string) => Promise<{ task?: Task | undefined }>): Promise<void> => {
  const { task: found } = await people.editor.task.getTask({ taskId: task.id });
  task = (await change(task.id, found?.etag ?? '')).task as Task;
};

describe('basic flow', () => {
  test('1. access ETL task management: the tasks of the own groups', async () => {
    const { tasks } = await people.editor.task.listTasks({ groupId: people.groupId });
    expect(tasks.map(({ id }) => id)).toEqual([visits.taskId]);
    expect((await denial(people.stranger.task.listTasks({ groupId: people.groupId }))).reason).toBe('PERMISSION_DENIED');
  });

  test('2. check permissions: who edits tasks may create one, who manages runs may not', async () => {
    expect(await permissionsIn(people.editor, people.groupId)).toContain('task.create');
    expect(await permissionsIn(people.manager, people.groupId)).not.toContain('task.create');
    const refused = await denial(people.manager.task.createTask({ groupId: people.groupId, displayName: 'x', moduleId }));
    expect(refused.reason).toBe('PERMISSION_DENIED');
  });

  test('3. create or select task: CreateTask makes a draft, GetTask returns it with what is missing', async () => {
    const made = await people.editor.task.createTask({ groupId: people.groupId, displayName: 'visits of the week', moduleId });
    const found = await people.editor.task.getTask({ taskId: made.task?.id ?? '' });
    expect(found.task).toMatchObject({ displayName: 'visits of the week', releasedRevision: 0 });
    expect(found.task?.missing.length).toBeGreaterThan(0);
    task = found.task as Task;
  });

  test('3. create or select task: a task that is there is found by its name and module', async () => {
    const { tasks } = await people.editor.task.listTasks({ displayName: 'visits of the week', moduleId });
    expect(tasks.map(({ id }) => id)).toEqual([task.id]);
    const second = people.editor.task.createTask({ groupId: people.groupId, displayName: 'visits of the week', moduleId });
    expect((await denial(second)).reason).toBe('ALREADY_EXISTS');
  });

  test('alternate path: a task without its scripts is not released; the response says what is missing, by table', async () => {
    const { reason, preconditions } = await denial(people.editor.task.release({ taskId: task.id }));
    expect(reason).toBe('RELEASE_INCOMPLETE');
    expect(preconditions.map(({ type }) => type)).toEqual(expect.arrayContaining(['SCRIPT_MISSING', 'UPLOAD_MISSING']));
    expect(preconditions.every(({ subject, description }) => subject !== '' && description !== '')).toBe(true);
  });

  test('4. configure task scripts: the extraction', async () => {
    const read = JSON.stringify({ fileRead: { path: 'visits.csv', format: 'FILE_FORMAT_CSV' } });
    const scriptId = await script(Script_Type.EXTRACTION, Script_Language.JSON, read);
    await attach((taskId, etag) =>
      people.editor.task.updateExtractionScript({ taskId, etag, bindings: [binding(scriptId, visits.connectionId)] }),
    );
    expect(task.revision?.extraction).toHaveLength(1);
  });

  test('4. configure task scripts: field rules', async () => {
    const rules = { rules: [{ table: 'visits', column: 'amount', empty: { strategy: 'EMPTY_STRATEGY_DROP_RECORD' } }] };
    const scriptId = await script(Script_Type.FIELD_RULES, Script_Language.JSON, JSON.stringify(rules));
    await attach((taskId, etag) => people.editor.task.updateFieldRules({ taskId, etag, script: { scriptId, version: 0 } }));
    expect(task.revision?.fieldRules?.scriptId).toBe(scriptId);
  });

  test('4. configure task scripts: anonymization rules', async () => {
    const rules = {
      steps: [
        { table: 'visits', rank: 1, pseudonymize: { columns: ['id'] } },
        {
          table: 'visits',
          rank: 2,
          generalize: {
            columns: [{ column: 'city', hierarchy: 'city' }],
            search: { metric: 'METRIC_LOSS', aggregate: 'AGGREGATE_GEOMETRIC_MEAN' },
          },
        },
      ],
      hierarchies: [{ name: 'city', rows: [{ levels: ['Turin', '*'] }, { levels: ['Ghent', '*'] }] }],
    };
    const scriptId = await script(Script_Type.ANONYMIZATION, Script_Language.JSON, JSON.stringify(rules));
    await attach((taskId, etag) => people.editor.task.updateAnonymizationRules({ taskId, etag, script: { scriptId, version: 0 } }));
    expect(task.revision?.anonymization?.scriptId).toBe(scriptId);
  });

  test('4. configure task scripts: a transformation', async () => {
    const outputs = VISIT_COLUMNS.map(({ name, datatype }) => ({ name, type: datatype.base }));
    const scriptId = await script(Script_Type.TRANSFORMATION, Script_Language.SQL, 'SELECT id, city, amount + 1 AS amount FROM visits', {
      outputs,
    });
    await attach((taskId, etag) => people.editor.task.updateTransformationScripts({ taskId, etag, bindings: [binding(scriptId)] }));
    expect(task.revision?.transformations).toHaveLength(1);
  });

  test('4. configure task scripts: the upload', async () => {
    const plan = {
      tables: [
        { table: 'visits', connectionId: visits.connectionId, mode: 'UPLOAD_MODE_VERSIONED', target: 'weekly', format: 'FILE_FORMAT_CSV' },
      ],
    };
    const scriptId = await script(Script_Type.UPLOADING, Script_Language.JSON, JSON.stringify(plan));
    await attach((taskId, etag) => people.editor.task.updateUploadingScript({ taskId, etag, script: { scriptId, version: 0 } }));
    expect(task.revision?.uploading?.scriptId).toBe(scriptId);
  });

  test('5. finalize configuration: the whole plan can be read, and nothing is missing', async () => {
    const { task: found } = await people.editor.task.getTask({ taskId: task.id });
    expect(found?.missing).toEqual([]);
    expect(found?.revision?.plan?.results.map(({ name }) => name)).toEqual(['visits']);
  });

  test('5. finalize configuration: an update on an old view of the task is refused', async () => {
    const { reason } = await denial(people.editor.task.updateTransformationScripts({ taskId: task.id, etag: 'old', bindings: [] }));
    expect(reason).toBe('ETAG_MISMATCH');
  });

  test('6. release task, 7. confirmation: the revision is fixed by the hash of its snapshot', async () => {
    const { task: released } = await people.editor.task.release({ taskId: task.id });
    expect(released?.releasedRevision).toBeGreaterThan(0);
    const { task: found } = await people.editor.task.getTask({ taskId: task.id, revision: released?.releasedRevision ?? 0 });
    expect(found?.revision?.snapshotHash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('7. confirmation: who manages runs sees the task as released, and starts it', async () => {
    const { tasks } = await people.manager.task.listTasks({ displayName: 'visits of the week' });
    expect(tasks).toMatchObject([{ id: task.id, releasedRevision: 1, missing: [] }]);
    expect((await denial(people.editor.task.release({ taskId: task.id }))).reason).toBe('NO_DRAFT');
    const runId = await preparedRun(people.manager, task.id);
    expect((await people.manager.task.getRun({ runId })).run).toMatchObject({ taskId: task.id, taskRevision: 1 });
  });
});
