// A table that a connection feeds whose owner demands privacy, published without any.
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { writeVisits, visitsDocument } from '@lethe/testkit/visits';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite();
  people = await makePeople(suite);
});
afterAll(() => suite.close());

type Document = { tables: { columns: Record<string, unknown>[]; requires?: unknown }[]; anonymization?: unknown };

test('is not released where the owners of the connection demand privacy, and is where they do not', async () => {
  const { editor, groupId } = people;
  writeVisits(join(suite.folder, groupId, 'visits'));
  const { connection } = await editor.extdatamodule.createConnection({
    groupId,
    displayName: 'visits',
    type: 'file',
    settings: { path: 'visits' },
  });
  const document = visitsDocument(connection?.id ?? '') as Document;
  const [table] = document.tables;
  delete document.anonymization;
  delete table?.requires;
  const columns = table?.columns.map((column) => ({ ...column, role: 'insensitive' }));
  Object.assign(table ?? {}, { columns, privacy: 'none', noneReason: 'nobody is in it' });
  const { dataModule } = await editor.extdatamodule.createDataModule({ groupId, displayName: 'visits', document });
  const { task } = await editor.task.createTask({ groupId, displayName: 'visits', moduleId: dataModule?.id ?? '' });
  const taskId = task?.id ?? '';
  const demand = (requirePrivacy: boolean) =>
    suite.admin.extdatamodule.updateConnection({
      connectionId: connection?.id ?? '',
      connection: Connection.fromPartial({ requirePrivacy }),
      updateMask: ['require_privacy'],
      etag: '*',
    });
  await demand(true);
  await expect(editor.task.release({ taskId })).rejects.toMatchObject({ reason: 'RELEASE_INCOMPLETE' });
  const { task: refused } = await editor.task.getTask({ taskId });
  expect(JSON.stringify(refused?.missing)).toContain('PRIVACY_REQUIRED');
  await demand(false);
  await editor.task.release({ taskId });
});
