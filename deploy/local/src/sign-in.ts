// Signs a local user in as a browser would: authorization code with PKCE (RFC 7636), cookies, the login form.
import { createHash, randomBytes } from 'node:crypto';
import { CLIENT_ID } from './oidc.ts';

const MAX_STEPS = 12;

type Jar = Map<string, string>;

const keep = (jar: Jar, response: Response): void => {
  for (const cookie of response.headers.getSetCookie()) {
    const [pair = ''] = cookie.split(';');
    const name = pair.slice(0, pair.indexOf('='));
    const value = pair.slice(pair.indexOf('=') + 1);
    if (value === '') jar.delete(name);
    else jar.set(name, value);
  }
};

const request = async (jar: Jar, url: URL, body?: URLSearchParams): Promise<Response> => {
  const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
  const response = await fetch(url, { redirect: 'manual', headers: { cookie }, ...(body ? { method: 'POST', body } : {}) });
  keep(jar, response);
  return response;
};

/** Returns an access token of the user. `redirectUri` is one of the client's; nobody needs to listen there. */
export const signIn = async (
  issuer: string,
  redirectUri: string,
  { subject, password }: { subject: string; password: string },
): Promise<string> => {
  const verifier = randomBytes(32).toString('base64url');
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const start = new URL('/auth', issuer);
  start.search = new URLSearchParams({
    client_id: CLIENT_ID,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: redirectUri,
    code_challenge: challenge,
    code_challenge_method: 'S256',
    state: randomBytes(8).toString('hex'),
  }).toString();
  const jar: Jar = new Map();
  let url = start;
  let response = await request(jar, url);
  for (let step = 0; step < MAX_STEPS; step++) {
    const location = response.headers.get('location');
    if (location === null && response.status === 200) response = await request(jar, url, new URLSearchParams({ user: subject, password }));
    else if (location?.startsWith(redirectUri)) return exchange(issuer, redirectUri, new URL(location), verifier);
    else if (location === null) break;
    else {
      url = new URL(location, url);
      response = await request(jar, url);
    }
  }
  throw new Error(`The sign-in of ${subject} ended with HTTP ${response.status}`);
};

const exchange = async (issuer: string, redirectUri: string, redirected: URL, verifier: string): Promise<string> => {
  const code = redirected.searchParams.get('code');
  if (code === null) throw new Error(`The provider refused: ${redirected.searchParams.get('error') ?? ''}`);
  const body = new URLSearchParams({
    grant_type: 'authorization_code',
    client_id: CLIENT_ID,
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  const response = await fetch(new URL('/token', issuer), { method: 'POST', body });
  const tokens = (await response.json()) as { access_token?: string; error?: string };
  if (tokens.access_token === undefined) throw new Error(`The provider gave no token: ${tokens.error ?? response.status}`);
  return tokens.access_token;
};
