// Personal tokens: how far they reach, when they end, and that their secret is shown once.
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { startSuite, type Clients, type Suite, type TestUser } from '@lethe/testkit/suite';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { until } from '@lethe/testkit/until';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';

const DAY_MS = 86_400_000;

let suite: Suite;
let user: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'script'] });
  user = await suite.user('tess');
  groupId = await suite.group();
  await suite.member(groupId, user, Role.DEVELOPER);
});
afterAll(() => suite.close());

const days = (count: number) => ({ seconds: BigInt(count * 86_400), nanos: 0 });

const make = async (scopes: string[]): Promise<Clients & { tokenId: string; secret: string }> => {
  const { token, secret } = await user.user.createToken({ displayName: 'machine', scopes });
  return { ...suite.clients(secret), tokenId: token?.id ?? '', secret };
};

const refused = (clients: Clients): Promise<true> =>
  until(async () => {
    try {
      await clients.script.listScripts({ groupId });
      return undefined;
    } catch (error) {
      expect(error).toMatchObject({ reason: 'UNAUTHENTICATED' });
      return true;
    }
  });

test('a token is its user, within its scopes, for 30 days unless it says otherwise', async () => {
  const startMs = Date.now();
  const { token, secret } = await user.user.createToken({ displayName: 'machine', scopes: ['user.read', 'group.*'] });
  expect(token).toMatchObject({ userId: user.id, displayName: 'machine', scopes: ['user.read', 'group.*'], revokeTime: undefined });
  expect((token?.expireTime?.getTime() ?? 0) - startMs).toBeGreaterThanOrEqual(30 * DAY_MS);
  expect((token?.expireTime?.getTime() ?? 0) - startMs).toBeLessThan(30 * DAY_MS + 60_000);
  const machine = suite.clients(secret);
  expect((await machine.user.getUser({})).user?.id).toBe(user.id);
  expect((await machine.user.getGroup({ groupId })).group?.id).toBe(groupId);
  await expect(machine.user.listGroupMembers({ groupId })).rejects.toMatchObject({
    reason: 'SCOPE_MISSING',
    metadata: { permission: 'member.list' },
  });
  await expect(machine.script.listScripts({ groupId })).rejects.toMatchObject({ reason: 'SCOPE_MISSING' });
});

test('the secret is in the first answer alone: in no list, no replay, no table', async () => {
  const request = { displayName: 'once', scopes: ['group.read'], requestId: randomUUID() };
  const first = await user.user.createToken(request);
  const again = await user.user.createToken(request);
  expect(again.token?.id).toBe(first.token?.id);
  expect(again.secret).toBe('');
  const { tokens } = await user.user.listTokens({});
  expect(tokens.find(({ id }) => id === first.token?.id)).toMatchObject({ displayName: 'once', scopes: ['group.read'] });
  await until(async () => (await user.audit.listAuditLogs({ resource: `tokens/${first.token?.id}` })).auditLogs[0]);
  expect(await tablesHolding(suite.databaseUrl, first.secret)).toEqual([]);
  // The search finds what is there.
  expect(await tablesHolding(suite.databaseUrl, first.token?.id ?? '')).toContain('lethe_user.tokens');
});

test('a scope is a permission that there is, and no more than the credential of the call', async () => {
  await expect(user.user.createToken({ displayName: 'x', scopes: ['group.read', 'group.fly'] })).rejects.toMatchObject({
    reason: 'SCOPE_INVALID',
    metadata: { scope: 'group.fly' },
    fields: [{ field: 'scopes[1]' }],
  });
  const machine = await make(['token.*', 'group.read']);
  await expect(machine.user.createToken({ displayName: 'x', scopes: ['group.*'] })).rejects.toMatchObject({ reason: 'SCOPE_INVALID' });
  await expect(machine.user.createToken({ displayName: 'x', scopes: ['script.read'] })).rejects.toMatchObject({ reason: 'SCOPE_INVALID' });
  expect((await machine.user.createToken({ displayName: 'x', scopes: ['group.read'] })).secret).not.toBe('');
});

test('a name and a scope are asked for, by field', async () => {
  await expect(user.user.createToken({ displayName: '', scopes: [] })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'display_name' }, { field: 'scopes' }],
  });
});

test('a token lives for more than no time and at most 366 days', async () => {
  for (const ttl of [days(0), days(367)])
    await expect(user.user.createToken({ displayName: 'x', scopes: ['group.read'], ttl })).rejects.toMatchObject({
      reason: 'TIME_INVALID',
      metadata: { field: 'ttl' },
    });
});

test('a token ends when its time has passed, at other services too', async () => {
  const { token, secret } = await user.user.createToken({
    displayName: 'short',
    scopes: ['script.list'],
    ttl: { seconds: 2n, nanos: 0 },
  });
  const machine = suite.clients(secret);
  await machine.script.listScripts({ groupId });
  await refused(machine);
  expect(Date.now()).toBeGreaterThanOrEqual(token?.expireTime?.getTime() ?? Infinity);
});

test('a revoked token is refused at once, at other services a moment later, and stays revoked', async () => {
  const machine = await make(['script.list', 'user.read']);
  await machine.script.listScripts({ groupId });
  await machine.user.getUser({});
  const { token } = await user.user.revokeToken({ tokenId: machine.tokenId });
  expect(token?.revokeTime).toBeInstanceOf(Date);
  await expect(machine.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  await refused(machine);
  const again = await user.user.revokeToken({ tokenId: machine.tokenId });
  expect(again.token?.revokeTime).toEqual(token?.revokeTime);
  const { tokens } = await user.user.listTokens({});
  expect(tokens.find(({ id }) => id === machine.tokenId)?.revokeTime).toEqual(token?.revokeTime);
});

test('nobody revokes the token of another but a superuser, and its id tells nothing', async () => {
  const machine = await make(['user.read']);
  const other = await suite.user();
  const foreign = await other.user.revokeToken({ tokenId: machine.tokenId }).catch((error: Error) => error.message);
  const missing = await other.user.revokeToken({ tokenId: randomUUID() }).catch((error: Error) => error.message);
  expect(foreign).toBe('token not found');
  expect(foreign).toBe(missing);
  expect((await machine.user.getUser({})).user?.id).toBe(user.id);
  await suite.admin.user.revokeToken({ tokenId: machine.tokenId });
  await expect(machine.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
});

test('the list of tokens is the own one, page by page, each once', async () => {
  const owner = await suite.user();
  const made: string[] = [];
  for (const displayName of ['a', 'b', 'c'])
    made.push((await owner.user.createToken({ displayName, scopes: ['group.read'] })).token?.id ?? '');
  const first = await owner.user.listTokens({ pageSize: 2 });
  const second = await owner.user.listTokens({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.tokens, ...second.tokens].map(({ id }) => id)).toEqual(made);
  expect(second.nextPageToken).toBe('');
});
