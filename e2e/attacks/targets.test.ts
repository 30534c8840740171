// Connections to where no connection leads: the machine's own services, and addresses that only look public.
import { makePeople, type People } from '@lethe/testkit/people';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let people: People;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'extdatamodule', 'data'], settings: { LETHE_PRIVATE_TARGETS: '127.0.0.0/8:1' } });
  people = await makePeople(suite);
});
afterAll(() => suite.close());

test.each([
  'http://127.0.0.1:2',
  'http://[::1]:1',
  'http://[::ffff:127.0.0.1]:2',
  'http://[::ffff:7f00:1]:2',
  'http://[64:ff9b::a00:1]',
  'http://[2002:a00:1::1]',
  'http://[fec0::1]',
  'http://169.254.169.254',
  'http://10.0.0.1',
  'http://0x7f000001:2',
  'http://2130706433:2',
  'http://localhost:2',
])('a connection to %s connects nowhere', async (baseUrl) => {
  const { connection } = await people.editor.extdatamodule.createConnection({
    groupId: people.groupId,
    displayName: randomUUID(),
    type: 'http',
    settings: { baseUrl },
  });
  const tested = await people.editor.extdatamodule.testConnection({ connectionId: connection?.id ?? '' });
  expect(tested.reachable).toBe(false);
  expect(tested.error).toMatch(/^(?:ADDRESS|TARGET|HOST)\w*:/);
});
