// Personal tokens through the wire: what they allow, and when they end.
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import { tablesHolding } from '@lethe/testkit/secret-search';
import { startSuite, type Clients, type Suite, type TestUser } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createHash, randomUUID } from 'node:crypto';

let suite: Suite;
let user: TestUser;
let groupId: string;
beforeAll(async () => {
  suite = await startSuite({ services: ['user', 'audit', 'script'] });
});
afterAll(() => suite.close());
beforeEach(async () => {
  [user, groupId] = [await suite.user(), await suite.group()];
  await suite.member(groupId, user, Role.DEVELOPER);
});

type Made = { id: string; secret: string; clients: Clients };

const make = async (scopes: string[], by: Clients = user, ttlSeconds?: bigint): Promise<Made> => {
  const ttl = ttlSeconds === undefined ? undefined : { seconds: ttlSeconds, nanos: 0 };
  const { token, secret } = await by.user.createToken({ displayName: 'nightly', scopes, ...(ttl ? { ttl } : {}) });
  return { id: token?.id ?? '', secret, clients: suite.clients(secret) };
};

const outcome = async (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'OK',
    (error: { reason?: string }) => error.reason ?? 'another error',
  );

describe('scopes', () => {
  test('limit a token to what they name, whatever its user may do', async () => {
    const { clients } = await make(['group.read']);
    expect((await clients.user.getGroup({ groupId })).group?.id).toBe(groupId);
    const denied = { reason: 'SCOPE_MISSING', metadata: { permission: 'script.list' } };
    await expect(clients.script.listScripts({ groupId })).rejects.toMatchObject(denied);
    await expect(clients.user.listGroupMembers({ groupId })).rejects.toMatchObject({ metadata: { permission: 'member.list' } });
  });

  test('by noun cover its permissions and no other noun', async () => {
    const { clients } = await make(['script.*']);
    await clients.script.listScripts({ groupId });
    await expect(clients.user.getGroup({ groupId })).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
      metadata: { permission: 'group.read' },
    });
  });

  test('give nothing that the user does not have', async () => {
    const { clients } = await make(['group.*', 'member.*']);
    const added = clients.user.addGroupMember({ groupId, userId: suite.admin.id, role: Role.GUEST });
    await expect(added).rejects.toMatchObject({ reason: 'PERMISSION_DENIED', metadata: { permission: 'member.add' } });
  });

  test('of a token made by a token stay within those of the first', async () => {
    const { clients } = await make(['token.create', 'group.read']);
    await make(['group.read'], clients);
    for (const scope of ['script.read', 'group.*', '*'])
      await expect(make(['group.read', scope], clients)).rejects.toMatchObject({
        reason: 'SCOPE_INVALID',
        fields: [{ field: 'scopes[1]' }],
      });
  });

  test('that name no permission are refused', async () => {
    await expect(make(['group.reed'])).rejects.toMatchObject({ reason: 'SCOPE_INVALID', metadata: { scope: 'group.reed' } });
  });
});

describe('the end of a token', () => {
  test('comes with RevokeToken, at once at UserManager and within seconds elsewhere', async () => {
    const { id, clients } = await make(['script.*', 'user.read']);
    await clients.user.getUser({});
    await clients.script.listScripts({ groupId });
    const { token } = await user.user.revokeToken({ tokenId: id });
    expect(token?.revokeTime).toBeInstanceOf(Date);
    await expect(clients.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
    await expect.poll(() => outcome(clients.script.listScripts({ groupId })), { timeout: 10_000 }).toBe('UNAUTHENTICATED');
  });

  test('comes when its time has passed', async () => {
    const { clients } = await make(['user.read'], user, 2n);
    await clients.user.getUser({});
    await expect.poll(() => outcome(clients.user.getUser({})), { timeout: 10_000 }).toBe('UNAUTHENTICATED');
  });

  test('is 30 days away where nothing is said, and at most 366', async () => {
    const { token } = await user.user.createToken({ displayName: 'month', scopes: ['user.read'] });
    const days = ((token?.expireTime?.getTime() ?? 0) - (token?.createTime?.getTime() ?? 0)) / 86_400_000;
    expect(Math.round(days)).toBe(30);
    for (const days of [0n, 367n])
      await expect(make(['user.read'], user, days * 86_400n)).rejects.toMatchObject({ reason: 'TIME_INVALID', metadata: { field: 'ttl' } });
  });

  test('stays where it was when the token is revoked again, also by a superuser', async () => {
    const { id } = await make(['user.read']);
    const { token } = await suite.admin.user.revokeToken({ tokenId: id });
    expect((await user.user.revokeToken({ tokenId: id })).token).toEqual(token);
    expect((await user.user.listTokens({})).tokens).toEqual([token]);
  });

  test('is not brought by somebody else, to whom the token is not there', async () => {
    const { id, clients } = await make(['user.read']);
    const stranger = await suite.user();
    const refusals = await Promise.all(
      [id, randomUUID()].map((tokenId) => stranger.user.revokeToken({ tokenId }).catch((error: Error) => error.message)),
    );
    expect(refusals[0]).toBe(refusals[1]);
    await clients.user.getUser({});
  });
});

describe('the secret', () => {
  test('is in the first response alone: not in the list, not in the response to the repeated request', async () => {
    const request = { displayName: 'once', scopes: ['user.read'], requestId: randomUUID() };
    const { secret, token } = await user.user.createToken(request);
    expect(secret).toMatch(/^lethe_pat_/);
    const again = await user.user.createToken(request);
    expect(again).toMatchObject({ token: { id: token?.id }, secret: '' });
    const list = await user.user.listTokens({});
    expect(list.tokens.map(({ id }) => id)).toEqual([token?.id]);
    const shown = JSON.stringify([list, again], (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value));
    expect(shown).not.toContain(secret.slice('lethe_pat_'.length));
  });

  test('is in no table of any service, its hash is', async () => {
    const { id, secret } = await make(['user.read']);
    await until(async () => (await user.audit.listAuditLogs({ resource: `tokens/${id}` })).auditLogs[0]);
    expect(await tablesHolding(suite.databaseUrl, secret)).toEqual([]);
    const hash = createHash('sha256').update(secret).digest('hex');
    expect(await tablesHolding(suite.databaseUrl, hash)).toEqual(['lethe_user.tokens']);
  });

  test('is not taken with a letter changed', async () => {
    const { secret } = await make(['user.read']);
    const last = secret.at(-1) === 'A' ? 'B' : 'A';
    await expect(suite.clients(secret.slice(0, -1) + last).user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
  });
});

test('a new token returns whose it is and how far it reaches; a name and a scope are asked for by field', async () => {
  const { token } = await user.user.createToken({ displayName: 'machine', scopes: ['user.read', 'group.*'] });
  expect(token).toMatchObject({ userId: user.id, displayName: 'machine', scopes: ['user.read', 'group.*'], revokeTime: undefined });
  await expect(user.user.createToken({ displayName: '', scopes: [] })).rejects.toMatchObject({
    reason: 'INVALID_REQUEST',
    fields: [{ field: 'display_name' }, { field: 'scopes' }],
  });
});

test('the list of tokens is the own one, page by page, each once', async () => {
  const made: string[] = [];
  for (const scope of ['user.read', 'group.read', 'script.read']) made.push((await make([scope])).id);
  const first = await user.user.listTokens({ pageSize: 2 });
  const rest = await user.user.listTokens({ pageSize: 2, pageToken: first.nextPageToken });
  expect([...first.tokens, ...rest.tokens].map(({ id }) => id)).toEqual(made);
  expect(rest.nextPageToken).toBe('');
});

describe('a token made with a token', () => {
  const DAY = 86_400n;

  test('ends no later than the one that made it', async () => {
    const parent = await make(['token.*', 'group.read'], user, DAY);
    const child = await make(['group.read'], parent.clients, 300n * DAY);
    const { tokens } = await user.user.listTokens({});
    const [own, made] = [parent, child].map(({ id }) => tokens.find((token) => token.id === id)?.expireTime);
    expect(made).toEqual(own);
  });

  test('ends when the one that made it is revoked, through any number of them', async () => {
    const parent = await make(['token.*', 'group.read']);
    const child = await make(['token.*', 'group.read'], parent.clients);
    const grandchild = await make(['group.read'], child.clients);
    const other = await make(['group.read']);
    expect(await outcome(grandchild.clients.user.getGroup({ groupId }))).toBe('OK');
    await user.user.revokeToken({ tokenId: parent.id });
    for (const { clients } of [parent, child, grandchild])
      expect(await outcome(clients.user.getGroup({ groupId }))).toBe('UNAUTHENTICATED');
    expect(await outcome(other.clients.user.getGroup({ groupId }))).toBe('OK');
  });
});
