// The sign-in and the edge of the local stack, as another page of a browser and another user of the machine see them.
import { SERVICE_NAMES } from '@lethe/contracts/nouns';
import { startEdge, type Edge } from '@lethe/local/edge';
import { CLIENT_ID, startOidc, type LocalProvider } from '@lethe/local/oidc';
import { signIn } from '@lethe/local/sign-in';
import { freePort } from '@lethe/testkit/servers';
import { startSuite, type Suite, type TestUser } from '@lethe/testkit/suite';
import { createHash, randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

const PAGE = 'http://console.example';
const REDIRECT = 'http://127.0.0.1:9/callback';
const PASSWORD = randomBytes(16).toString('hex');
const SUBJECT = 'ada';

let suite: Suite;
let user: TestUser;
let edge: Edge;
let provider: LocalProvider;
beforeAll(async () => {
  suite = await startSuite({ services: ['user'] });
  user = await suite.user();
  edge = await startEdge(await freePort(), suite.addresses, [PAGE]);
  provider = await startOidc({
    port: await freePort(),
    accounts: [{ subject: SUBJECT, name: 'Ada', email: 'ada@example.com' }],
    redirectUris: [REDIRECT],
    password: PASSWORD,
  });
});
afterAll(async () => {
  edge.close();
  provider.close();
  await suite.close();
});

const call = (headers: Record<string, string>, body: string | Buffer<ArrayBuffer> = '{}'): Promise<Response> =>
  fetch(`${edge.url}/${SERVICE_NAMES.user}/GetUser`, {
    method: 'POST',
    headers: { authorization: `Bearer ${user.token}`, 'content-type': 'application/json', ...headers },
    body,
  });

describe('the edge', () => {
  test.each([
    'http://evil.example',
    'null',
    'http://console.example.evil.example',
    'http://CONSOLE.example',
    'http://console.example:81',
    '',
  ])('refuses a page of the origin %j, before the call is made', async (origin) => {
    const response = await call({ origin });
    expect([response.status, response.headers.get('access-control-allow-origin'), await response.text()]).toEqual([403, null, '']);
  });

  test('lets no page send cookies', async () => {
    const response = await fetch(`${edge.url}/${SERVICE_NAMES.user}/GetUser`, {
      method: 'OPTIONS',
      headers: { origin: PAGE, 'access-control-request-method': 'POST' },
    });
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, PAGE]);
    expect(response.headers.get('access-control-allow-credentials')).toBeNull();
  });

  test('takes a token from the header alone', async () => {
    const response = await fetch(`${edge.url}/${SERVICE_NAMES.user}/GetUser?authorization=Bearer%20${user.token}`, {
      method: 'POST',
      headers: { cookie: `authorization=Bearer ${user.token}`, 'content-type': 'application/json' },
      body: '{}',
    });
    expect(response.status).toBe(401);
  });

  test('refuses a field that the request does not have, by name', async () => {
    const response = await call({}, '{"tabel": "person"}');
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('tabel')]);
  });

  test.each([
    ['as it is', {}, 429, (text: string) => text],
    ['compressed', { 'content-encoding': 'gzip' }, 501, (text: string) => gzipSync(text)],
  ] as const)('reads no more of a request than a service would, sent %s', async (_name, headers, status, send) => {
    const response = await call(headers, send(`{"padding":"${'x'.repeat(8 * 1024 * 1024)}"}`));
    expect(response.status).toBe(status);
    expect((await call({})).status).toBe(200);
  });

  test.each(['', 'Basic eA==', 'Bearer'])('reads nothing of a request whose credential is %j', async (authorization) => {
    const response = await call({ authorization }, `{"padding":"${'x'.repeat(8 * 1024 * 1024)}"}`);
    expect([response.status, await response.json()]).toEqual([401, expect.objectContaining({ code: 'unauthenticated' })]);
  });
});

/** Asks for a code as a client does; returns where the provider leads. */
const authorize = (changes: Record<string, string | undefined>): Promise<Response> => {
  const url = new URL('/auth', provider.issuer);
  const asked = {
    client_id: CLIENT_ID,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT,
    code_challenge: createHash('sha256').update('v'.repeat(43)).digest('base64url'),
    code_challenge_method: 'S256',
    ...changes,
  };
  for (const [name, value] of Object.entries(asked)) if (value !== undefined) url.searchParams.set(name, value);
  return fetch(url, { redirect: 'manual' });
};

describe('the sign-in', () => {
  test.each(['', 'password', `${PASSWORD} `, PASSWORD.slice(1)])('gives no token for the password %#', async (password) => {
    await expect(signIn(provider.issuer, REDIRECT, { subject: SUBJECT, password })).rejects.toThrow('access_denied');
  });

  test('gives no token for a user that it does not have, and the token of the one that it has', async () => {
    await expect(signIn(provider.issuer, REDIRECT, { subject: 'eve', password: PASSWORD })).rejects.toThrow('access_denied');
    expect(await signIn(provider.issuer, REDIRECT, { subject: SUBJECT, password: PASSWORD })).toMatch(/^ey/);
  });

  test('sends a code to no address but its client’s', async () => {
    const response = await authorize({ redirect_uri: 'http://evil.example/callback' });
    expect([response.status, response.headers.get('location')]).toEqual([400, null]);
  });

  test.each([
    ['without a challenge', { code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    ['with the verifier itself as the challenge', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['for a token in the address', { response_type: 'token' }, 'unsupported_response_type'],
  ])('gives no code to one who asks %s', async (_name, changes, error) => {
    const response = await authorize(changes);
    const { search, hash } = new URL(response.headers.get('location') ?? '');
    const told = new URLSearchParams(search || hash.slice(1));
    expect([told.get('error'), told.has('code'), told.has('access_token')]).toEqual([error, false, false]);
  });

  test('ends a form that does not end, and goes on', async () => {
    const first = await authorize({});
    const form = new URL(first.headers.get('location') ?? '', provider.issuer);
    const cookie = first.headers
      .getSetCookie()
      .map((text) => text.split(';')[0])
      .join('; ');
    const response = await fetch(form, { method: 'POST', headers: { cookie }, body: `password=${'x'.repeat(1_000_000)}` });
    expect(response.status).toBe(400);
    expect((await fetch(form, { headers: { cookie } })).status).toBe(200);
  });
});
