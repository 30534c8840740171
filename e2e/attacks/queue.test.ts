// Messages that could stop a queue: what is large, forged or no text is refused or bounded, and the records of others arrive after it.
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { ordersDocument } from '@lethe/testkit/orders';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'extdatamodule'] });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

const recordOf = (action: string): Promise<unknown> =>
  until(async () => (await people.editor.audit.listAuditLogs({ actorId: people.editor.id, action })).auditLogs[0]);

test('a text with U+0000 is refused by its field, and the record of the refused call arrives', async () => {
  const made = people.editor.extdatamodule.createDataModule({ groupId: people.groupId, displayName: 'a\u0000b', document: {} });
  await expect(made).rejects.toMatchObject({ reason: 'INVALID_REQUEST' });
  await recordOf('CreateDataModule');
});

test('a page token that was made up is refused, and is no defect', async () => {
  const [hash] = ['x'.repeat(43)];
  for (const key of ["' or true --", 'a\u0000b', '9'.repeat(5_000)]) {
    const pageToken = Buffer.from(`${hash}\n${key}`).toString('base64url');
    const listed = people.editor.extdatamodule.getAllConnection({ groupId: people.groupId, pageToken });
    await expect(listed).rejects.toMatchObject({ reason: expect.stringMatching(/^(?:PAGE_TOKEN_MISMATCH|INVALID_REQUEST)$/) as string });
  }
});

test('a change whose request and both states have nearly 3 MB is recorded, and the record of the next change arrives after it', async () => {
  const { editor, groupId } = people;
  const { connection } = await editor.extdatamodule.createConnection({ groupId, displayName: 'f', type: 'file', settings: { path: 'f' } });
  const document = { ...ordersDocument(connection?.id ?? '', connection?.id ?? '', 'versioned'), description: 'x'.repeat(2_900_000) };
  const { dataModule } = await editor.extdatamodule.createDataModule({ groupId, displayName: 'large', document });
  await editor.extdatamodule.updateDataModule({
    moduleId: dataModule?.id ?? '',
    dataModule: DataModule.fromPartial({ document: { ...document, description: 'y'.repeat(2_900_000) } }),
    updateMask: ['document'],
    etag: dataModule?.etag ?? '',
  });
  await editor.extdatamodule.createConnection({ groupId, displayName: 'after', type: 'file', settings: { path: 'after' } });
  await recordOf('UpdateDataModule');
  const created = async (): Promise<number> =>
    (await editor.audit.listAuditLogs({ actorId: editor.id, action: 'CreateConnection' })).auditLogs.length;
  await expect.poll(created).toBe(2);
});
