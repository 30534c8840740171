// Use case: Login. The provider is a real OpenID provider; the service sees only the token that comes back.
import { connectClients, type Clients } from '@lethe/grpc/clients';
import { AUDIENCE, CLIENT_ID, startOidc, type LocalProvider } from '@lethe/local/oidc';
import { signIn } from '@lethe/local/sign-in';
import { startIssuer, type TestIssuer } from '@lethe/testkit/issuer';
import { freePort } from '@lethe/testkit/servers';
import { startSuite, type Suite } from '@lethe/testkit/suite';
import { until } from '@lethe/testkit/until';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { denial } from '../support/denial.ts';

const REDIRECT = 'http://127.0.0.1:9/signed-in';
const ACCOUNTS = [{ subject: 'ada', name: 'Ada Lovelace', email: 'ada@example.org' }];

let suite: Suite;
const PASSWORD = 'of the local sign-in';

let provider: LocalProvider;
let stranger: TestIssuer;
let accessToken: string;
const opened: Clients[] = [];
const withToken = (token: string): Clients => {
  const clients = connectClients(suite.addresses, token);
  opened.push(clients);
  return clients;
};

beforeAll(async () => {
  provider = await startOidc({ port: await freePort(), accounts: ACCOUNTS, redirectUris: [REDIRECT], password: PASSWORD });
  suite = await startSuite({ services: ['user', 'audit'], issuers: [`${provider.issuer}=${AUDIENCE}`] });
  stranger = await startIssuer();
});
afterAll(async () => {
  opened.forEach((clients) => clients.close());
  provider.close();
  stranger.close();
  await suite.close();
});

describe('basic flow', () => {
  test('1. access login page: the provider says where its pages are', async () => {
    const discovery = (await (await fetch(new URL('/.well-known/openid-configuration', provider.issuer))).json()) as Record<string, string>;
    expect(discovery['authorization_endpoint']).toBe(`${provider.issuer}/auth`);
  });

  test('2. redirect to SSO provider: without a session the user is sent to the login form', async () => {
    const start = new URL('/auth', provider.issuer);
    start.search = new URLSearchParams({
      client_id: CLIENT_ID,
      response_type: 'code',
      scope: 'openid',
      redirect_uri: REDIRECT,
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    }).toString();
    const response = await fetch(start, { redirect: 'manual' });
    expect(response.status).toBe(303);
    expect(response.headers.get('location')).toMatch(/^\/interaction\//);
  });

  test('3. authenticate with SSO, 4. return to the service: the provider sends a code back, and a token for it', async () => {
    accessToken = await signIn(provider.issuer, REDIRECT, { subject: 'ada', password: PASSWORD });
    expect(decodeJwt(accessToken)).toMatchObject({ iss: provider.issuer, aud: AUDIENCE, sub: 'ada' });
  });

  test('5. establish session: the token is validated, and the user is known from the first call on', async () => {
    const first = await withToken(accessToken).user.getUser({});
    expect(first.user).toMatchObject({ displayName: 'Ada Lovelace', email: 'ada@example.org' });
    const again = await withToken(accessToken).user.getUser({});
    expect(again.user?.id).toBe(first.user?.id);
  });

  test('5. establish session: the same token is taken by the other services, and the login is on record', async () => {
    const clients = withToken(accessToken);
    const { user } = await clients.user.getUser({});
    const log = await until(
      async () => (await clients.audit.listAuditLogs({ resource: `users/${user?.id}`, action: 'GetUser' })).auditLogs[0],
    );
    expect(log.record?.actor?.id).toBe(user?.id);
    const login = await until(
      async () => (await suite.admin.audit.listAuditLogs({ resource: `users/${user?.id}`, action: 'login' })).auditLogs[0],
    );
    expect(login.record?.actor?.onBehalfOf).toBe(user?.id);
  });
});

describe('a token that is not good', () => {
  test('is refused where one letter of its signature is another', async () => {
    const at = accessToken.length - 10;
    const tampered = accessToken.slice(0, at) + (accessToken[at] === 'A' ? 'B' : 'A') + accessToken.slice(at + 1);
    expect((await denial(withToken(tampered).user.getUser({}))).reason).toBe('UNAUTHENTICATED');
  });

  test('is refused where its claims are others than the signed ones, and where nothing signs it', async () => {
    const [header = '', claims = '', signature = ''] = accessToken.split('.');
    const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const later = encode({ ...decodeJwt(accessToken), exp: Math.floor(Date.now() / 1000) + 1_000_000 });
    const changed = `${header}.${later}.${signature}`;
    const unsigned = `${encode({ alg: 'none', typ: 'at+jwt' })}.${claims}.`;
    for (const token of [changed, unsigned]) expect((await denial(withToken(token).user.getUser({}))).reason).toBe('UNAUTHENTICATED');
  });

  test('is refused where its issuer is nobody that the service trusts', async () => {
    expect((await denial(withToken(await stranger.token('ada')).user.getUser({}))).reason).toBe('UNAUTHENTICATED');
  });

  test('is refused where it is for somebody else, or too old', async () => {
    const other = await suite.issuer.token('ada', { aud: 'another service' });
    const old = await suite.issuer.token('ada', { exp: Math.floor(Date.now() / 1000) - 300 });
    for (const token of [other, old]) expect((await denial(withToken(token).user.getUser({}))).reason).toBe('UNAUTHENTICATED');
  });

  test('is not given to somebody whom the provider does not know', async () => {
    await expect(signIn(provider.issuer, REDIRECT, { subject: 'nobody', password: PASSWORD })).rejects.toThrow('access_denied');
    await expect(signIn(provider.issuer, REDIRECT, { subject: 'ada', password: 'guessed' })).rejects.toThrow('access_denied');
  });
});
