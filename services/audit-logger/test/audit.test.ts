import { Outcome } from '@lethe/contracts/gen/lethe/event/v1/event';
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { Client } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHash, randomUUID } from 'node:crypto';

let suite: Suite;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit'] });
});
afterAll(() => suite.close());

const until = async <T>(look: () => Promise<T | undefined>, timeoutMs = 15_000): Promise<T> => {
  const end = Date.now() + timeoutMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (Date.now() > end) throw new Error('it did not come');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
};

const query = async <T extends object>(text: string): Promise<T[]> => {
  const client = new Client({ connectionString: suite.databaseUrl });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
};

test('a change arrives once, with actor, before, after and the leaf hash of its bytes', async () => {
  const displayName = `audited-${randomUUID()}`;
  const { group } = await suite.admin.user.createGroup({ displayName });
  const log = await until(
    async () => (await suite.admin.audit.listAuditLogs({ resource: `groups/${group?.id}`, action: 'CreateGroup' })).auditLogs[0],
  );
  const { auditLog } = await suite.admin.audit.getAuditLog({ auditLogId: log.id });
  expect(auditLog?.record).toMatchObject({
    actor: { id: suite.admin.id },
    outcome: Outcome.OK,
    groupId: group?.id,
    after: { displayName },
  });
  const [row] = await query<{ bytes: Buffer; leaf_hash: Buffer; count: string }>(
    `select bytes, leaf_hash, (select count(*) from lethe_audit.audit_logs where resource = 'groups/${group?.id}' and action like '%CreateGroup')::text as count from lethe_audit.audit_logs where id = '${log.id}'`,
  );
  expect(row?.count).toBe('1');
  expect(row?.leaf_hash).toEqual(
    createHash('sha256')
      .update(Buffer.concat([Buffer.of(0), row?.bytes ?? Buffer.alloc(0)]))
      .digest(),
  );
});

test('a denied call is recorded, and searchable by outcome', async () => {
  const user = await suite.user();
  await user.user.createGroup({ displayName: 'nope' }).catch(() => {});
  const log = await until(async () => (await suite.admin.audit.listAuditLogs({ actorId: user.id, outcome: Outcome.DENIED })).auditLogs[0]);
  expect(log.record).toMatchObject({ reason: 'PERMISSION_DENIED', action: 'lethe.user.v1.UserManager/CreateGroup' });
});

test('everybody sees the own actions, and a group sees its own from DEVELOPER up', async () => {
  const [groupId, developer, guest] = [await suite.group(), await suite.user(), await suite.user()];
  await suite.member(groupId, developer, Role.DEVELOPER);
  await suite.member(groupId, guest, Role.GUEST);
  await guest.user.getGroup({ groupId });
  await until(async () => (await developer.audit.listAuditLogs({ groupId, actorId: guest.id })).auditLogs[0]);
  expect((await guest.audit.listAuditLogs({ groupId })).auditLogs.every(({ record }) => record?.actor?.id === guest.id)).toBe(true);
  const foreign = await suite.user();
  const [log] = (await developer.audit.listAuditLogs({ groupId })).auditLogs;
  await expect(foreign.audit.getAuditLog({ auditLogId: log?.id ?? '' })).rejects.toMatchObject({ reason: 'NOT_FOUND' });
});

test('numbers of a source have no gap, and its watermark is the last of them', async () => {
  await suite.group();
  const rows = await until(async () => {
    const [outbox] = await query<{ last: string | null }>(
      `select max(source_seq)::text as last from lethe_user.outgoing_event where consumer = 'audit' and confirm_time is not null`,
    );
    const [open] = await query<{ open: string }>(
      `select count(*)::text as open from lethe_user.outgoing_event where consumer = 'audit' and confirm_time is null`,
    );
    return open?.open === '0' && outbox?.last ? outbox : undefined;
  });
  const [stored] = await query<{ count: string; last: string }>(
    `select count(*)::text as count, max(source_seq)::text as last from lethe_audit.audit_logs where source = 'user'`,
  );
  expect(Number(stored?.count)).toBe(Number(stored?.last));
  expect(Number(stored?.last)).toBeGreaterThanOrEqual(Number(rows.last));
});

test('a secret never reaches a record', async () => {
  const { secret } = await suite.admin.user.createToken({ displayName: 'canary', scopes: ['group.read'] });
  await until(async () => (await suite.admin.audit.listAuditLogs({ action: 'CreateToken' })).auditLogs[0]);
  const [found] = await query<{ count: string }>(
    `select count(*)::text as count from lethe_audit.audit_logs where position('${secret}' in encode(bytes, 'escape')) > 0`,
  );
  expect(found?.count).toBe('0');
});

test('the log refuses to be changed', async () => {
  await expect(query('update lethe_audit.audit_logs set actor_id = actor_id')).rejects.toThrow('append only');
  await expect(query('delete from lethe_audit.audit_logs')).rejects.toThrow('append only');
});
