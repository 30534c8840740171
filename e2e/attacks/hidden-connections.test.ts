// A hidden connection of another group: no response of any service tells somebody without a grant that it exists.
import { Access } from '@lethe/contracts/gen/lethe/user/v1/user';
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { visitsDocument } from '@lethe/testkit/visits';
import { randomUUID, randomUUIDv7 } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

let suite: Suite;
let owners: People;
let askers: People;
let hiddenId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'script', 'task'] });
  owners = await makePeople(suite);
  askers = await makePeople(suite);
  const settings = { baseUrl: 'https://api.example.org' };
  const { groupId, editor } = owners;
  const made = await editor.extdatamodule.createConnection({ groupId, displayName: 'hidden', hidden: true, type: 'http', settings });
  hiddenId = made.connection?.id ?? '';
});
afterAll(() => suite.close());

/** What a caller is told, without the id that they sent. */
const toldOf = async (id: string, call: (id: string) => Promise<unknown>): Promise<string> =>
  call(id).then(
    (response) => JSON.stringify(response).replaceAll(id, 'id'),
    (error: { reason: string; message: string; metadata: unknown }) =>
      JSON.stringify([error.reason, error.message, error.metadata]).replaceAll(id, 'id'),
  );

const missingOf = async (connectionId: string): Promise<unknown> => {
  const { groupId, editor } = askers;
  // Its type does not fit what is read: that would be told too.
  const document = visitsDocument(connectionId);
  const { dataModule } = await editor.extdatamodule.createDataModule({ groupId, displayName: randomUUID(), document });
  const { task } = await editor.task.createTask({ groupId, displayName: randomUUID(), moduleId: dataModule?.id ?? '' });
  return (await editor.task.getTask({ taskId: task?.id ?? '' })).task?.missing;
};

const CALLS: [name: string, call: (connectionId: string) => Promise<unknown>][] = [
  ['CheckAccess', (connectionId) => askers.editor.user.checkAccess({ connectionId, access: Access.READ })],
  ['AddAccess', (connectionId) => askers.editor.user.addAccess({ connectionId, access: Access.READ, reason: 'why' })],
  ['ListAccessRequests', (connectionId) => askers.editor.user.listAccessRequests({ connectionId })],
  ['GetConnection', (connectionId) => askers.editor.extdatamodule.getConnection({ connectionId })],
  ['TestConnection', (connectionId) => askers.editor.extdatamodule.testConnection({ connectionId })],
  ['GetTask of a task that names it', missingOf],
];

describe('a hidden connection', () => {
  test.each(CALLS)('is for %s what an id of nobody is', async (_name, call) => {
    const told = await toldOf(hiddenId, call);
    expect(told).toBe(await toldOf(randomUUIDv7(), call));
    expect(told).toMatch(/NOT_FOUND|CONNECTION_MISSING/);
  });

  test('is known to whoever was given access to it, and its type is told again', async () => {
    await owners.editor.user.addAccess({ connectionId: hiddenId, userId: askers.editor.id, access: Access.READ, reason: 'why' });
    expect((await askers.editor.user.checkAccess({ connectionId: hiddenId, access: Access.READ })).allowed).toBe(true);
    expect(JSON.stringify(await missingOf(hiddenId))).toMatch(/GRANT_MISSING.*CONNECTION_MISMATCH/);
  });
});
