// The one way to write, in UserManager over the wire and against its own schema: change, record and events are one thing.
import { AuditRecord } from '@lethe/contracts/gen/lethe/event/v1/event';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { randomUUID } from 'node:crypto';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let admin: Client;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
  admin = new Client({ connectionString: suite.databaseUrl });
  await admin.connect();
});
afterAll(async () => {
  await admin.end();
  await suite.close();
});
afterEach(() => admin.query('drop trigger if exists fault on lethe_user.outgoing_event'));

const countGroups = async (displayName: string): Promise<number> =>
  Number((await admin.query('select from lethe_user.groups where display_name = $1', [displayName])).rowCount);

const recordsAbout = async (displayName: string): Promise<AuditRecord[]> => {
  const { rows } = await admin.query<{ payload: Buffer }>(`select payload from lethe_user.outgoing_event where consumer = 'audit'`);
  return rows.map(({ payload }) => AuditRecord.decode(payload)).filter(({ request }) => request?.['displayName'] === displayName);
};

/** Lets every insert of an outbox row run a body of PL/pgSQL first. */
const faultAtOutbox = async (body: string): Promise<void> => {
  await admin.query(
    `create or replace function lethe_user.fault() returns trigger language plpgsql as $$ begin ${body} return new; end $$`,
  );
  await admin.query('create trigger fault before insert on lethe_user.outgoing_event for each row execute function lethe_user.fault()');
};

test('a change whose record cannot be stored does not happen', async () => {
  const displayName = `unrecorded-${randomUUID()}`;
  await faultAtOutbox(`raise exception 'no space' using errcode = '53100';`);
  await expect(suite.admin.user.createGroup({ displayName })).rejects.toMatchObject({
    reason: expect.stringMatching(/UNAVAILABLE|INTERNAL/),
  });
  expect(await countGroups(displayName)).toBe(0);
});

test('a read whose record cannot be stored gets no response', async () => {
  const groupId = await suite.group();
  await faultAtOutbox(`raise exception 'no space' using errcode = '53100';`);
  await expect(suite.admin.user.getGroup({ groupId })).rejects.toMatchObject({ reason: expect.stringMatching(/UNAVAILABLE|INTERNAL/) });
});

test('a change that meets a serialization failure twice is done once', async () => {
  const displayName = `retried-${randomUUID()}`;
  await admin.query('create sequence lethe_user.tries; grant usage on sequence lethe_user.tries to public');
  await faultAtOutbox(`if nextval('lethe_user.tries') < 3 then raise exception 'again' using errcode = '40001'; end if;`);
  const { group } = await suite.admin.user.createGroup({ displayName });
  expect(group?.displayName).toBe(displayName);
  expect(await countGroups(displayName)).toBe(1);
  expect(await recordsAbout(displayName)).toHaveLength(1);
});

test('a repeated request id gives the same response; each call has its record, the change is in one', async () => {
  const [displayName, requestId] = [`once-${randomUUID()}`, randomUUID()];
  const responses = await Promise.all([1, 2, 3].map(() => suite.admin.user.createGroup({ displayName, requestId })));
  expect(new Set(responses.map(({ group }) => group?.id)).size).toBe(1);
  expect(await countGroups(displayName)).toBe(1);
  const records = await recordsAbout(displayName);
  expect(records).toHaveLength(3);
  expect(records.filter(({ after }) => after !== undefined)).toHaveLength(1);
});

test('a secret of a response is not given again for a repeated request id', async () => {
  const request = { displayName: 'own', scopes: ['group.read'], requestId: randomUUID() };
  const first = await suite.admin.user.createToken(request);
  const second = await suite.admin.user.createToken(request);
  expect(first.secret).not.toBe('');
  expect(second.secret).toBe('');
  expect(second.token?.id).toBe(first.token?.id);
});
