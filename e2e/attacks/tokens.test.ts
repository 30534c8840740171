// Tokens that would outlive or exceed what made them.
import { startSuite, type Clients, type Suite, type TestUser } from '@lethe/testkit/suite';
import { afterAll, beforeAll, expect, test } from 'vitest';

let suite: Suite;
let user: TestUser;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
  user = await suite.user();
});
afterAll(() => suite.close());

const make = async (by: Clients, scopes: string[]): Promise<{ id: string; clients: Clients }> => {
  const { token, secret } = await by.user.createToken({ displayName: 'child', scopes });
  return { id: token?.id ?? '', clients: suite.clients(secret) };
};

test('a token cannot make one that reaches further, and its children end with it', async () => {
  const first = await make(user, ['token.create', 'user.read']);
  await expect(make(first.clients, ['group.read'])).rejects.toMatchObject({ reason: 'SCOPE_INVALID' });
  const second = await make(first.clients, ['token.create', 'user.read']);
  const third = await make(second.clients, ['user.read']);
  await third.clients.user.getUser({});
  await user.user.revokeToken({ tokenId: first.id });
  for (const { clients } of [first, second, third])
    await expect(clients.user.getUser({})).rejects.toMatchObject({ reason: 'UNAUTHENTICATED' });
});
