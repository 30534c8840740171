import { afterEach, expect, test } from 'vitest';
import { openPage, pageToken } from '../src/page.ts';
import { startServer, type TestServer } from './support/server.ts';

let server: TestServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

const KEY = '018f0000-0000-7000-8000-0000000000bb';

const listing = (seen: string[], key?: RegExp): Promise<TestServer> =>
  startServer({
    listTasks: async (request, ctx) => {
      const page = openPage(ctx, request, key);
      seen.push(page.after);
      return { tasks: [], nextPageToken: pageToken(page, KEY) };
    },
  });

test('a token goes on after its key', async () => {
  const seen: string[] = [];
  server = await listing(seen);
  const { nextPageToken } = await server.client.listTasks({});
  await server.client.listTasks({ pageToken: nextPageToken });
  expect(seen).toEqual(['', KEY]);
});

test('a token of other arguments is refused', async () => {
  server = await listing([]);
  const { nextPageToken } = await server.client.listTasks({ namespace: 'a' });
  await expect(server.client.listTasks({ namespace: 'b', pageToken: nextPageToken })).rejects.toMatchObject({
    reason: 'PAGE_TOKEN_MISMATCH',
  });
});

test.each(["' or 1=1 --", 'a\u0000b', '', `${KEY}\nmore`, '1'.repeat(10_000)])(
  'a token whose key was made up is refused: %j',
  async (key) => {
    const seen: string[] = [];
    server = await listing(seen);
    const { nextPageToken } = await server.client.listTasks({});
    const [hash] = Buffer.from(nextPageToken, 'base64url').toString().split('\n');
    const forged = Buffer.from(`${hash}\n${key}`).toString('base64url');
    const call = server.client.listTasks({ pageToken: forged });
    // What comes after a second line end is no part of the key.
    if (key.startsWith(KEY)) await call;
    else await expect(call).rejects.toMatchObject({ reason: expect.stringMatching(/^(?:PAGE_TOKEN_MISMATCH|INVALID_REQUEST)$/) });
  },
);
