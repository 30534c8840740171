// The secret of a connection sent to another place: whoever changes where it leads has to bring the secret again.
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { Connection } from '@lethe/contracts/gen/lethe/extdatamodule/v1/connection';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

const SECRET = `canary-${randomUUID()}`;
const received: string[] = [];
const thief = createServer((request, response) => {
  received.push(JSON.stringify(request.headers));
  response.end('{}');
});
let suite: Suite;
let people: People;
let url: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'data'] });
  people = await makePeople(suite);
  thief.listen(0, '127.0.0.1');
  await once(thief, 'listening');
  url = `http://127.0.0.1:${(thief.address() as AddressInfo).port}`;
});
afterAll(async () => {
  thief.close();
  await suite.close();
});

test('a connection that is turned to another server has no secret, and nothing of it is sent there', async () => {
  const { editor, groupId } = people;
  const { connection } = await editor.extdatamodule.createConnection({
    groupId,
    displayName: 'api',
    type: 'http',
    settings: { baseUrl: 'https://api.example.org/v1' },
    secret: { values: { token: SECRET } },
  });
  expect(connection?.secretSet).toBe(true);
  const connectionId = connection?.id ?? '';
  const turned = await editor.extdatamodule.updateConnection({
    connectionId,
    connection: Connection.fromPartial({ settings: { baseUrl: url } }),
    updateMask: ['settings'],
    etag: connection?.etag ?? '',
  });
  expect(turned.connection?.secretSet).toBe(false);
  await editor.extdatamodule.testConnection({ connectionId });
  expect(received.length).toBeGreaterThan(0);
  expect(received.join()).not.toContain(SECRET);
});
