// Messages that could stop a queue: what is large, forged or no text is refused or bounded, and the records of others arrive after it.
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { randomUUID } from 'node:crypto';
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

test('a change with a document of a megabyte is recorded, and the record of the next change arrives after it', async () => {
  const large = { '@type': ['Dataset', 'DataModule'], name: 'large', description: 'x'.repeat(1_000_000), tables: [] };
  await people.editor.extdatamodule
    .createDataModule({ groupId: people.groupId, displayName: 'large', document: large })
    .catch((error: unknown) => expect(error).not.toMatchObject({ reason: 'INTERNAL' }));
  const path = `after-${randomUUID()}`;
  await people.editor.extdatamodule.createConnection({ groupId: people.groupId, displayName: path, type: 'file', settings: { path } });
  await recordOf('CreateConnection');
});
