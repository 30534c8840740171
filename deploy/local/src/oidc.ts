// The local OpenID provider: real discovery, keys, authorization code with PKCE, and tokens; its users are the seeded ones.
import './quiet-sign-in.ts';
import { createHash, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { generateKeyPair, exportJWK } from 'jose';
import { Provider, type Configuration } from 'oidc-provider';

/** A user of the local provider. */
export type LocalAccount = { subject: string; name: string; email: string };

/** A running provider. */
export type LocalProvider = { issuer: string; password: string; close: () => void };

/** The audience of access tokens. */
export const AUDIENCE = 'lethe';
/** The public client that the launcher and the console log in with. */
export const CLIENT_ID = 'lethe-local';

const RESOURCE = 'urn:lethe:api';
const TOKEN_SECONDS = 3600;
const MAX_FORM_BYTES = 4096;

const configuration = async (accounts: LocalAccount[], redirectUris: string[]): Promise<Configuration> => {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const byId = new Map(accounts.map((account) => [account.subject, account]));
  const claims = (subject: string): { sub: string; name: string; email: string } => {
    const account = byId.get(subject);
    return { sub: subject, name: account?.name ?? subject, email: account?.email ?? '' };
  };
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        token_endpoint_auth_method: 'none',
        redirect_uris: redirectUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: 'ES256', use: 'sig', kid: 'local' }] },
    responseTypes: ['code'],
    scopes: ['openid'],
    pkce: { required: () => true },
    findAccount: (_ctx, subject) => (byId.has(subject) ? { accountId: subject, claims: () => claims(subject) } : undefined),
    extraTokenClaims: (_ctx, token) => ('accountId' in token && typeof token.accountId === 'string' ? claims(token.accountId) : undefined),
    features: {
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'lethe',
          audience: AUDIENCE,
          accessTokenTTL: TOKEN_SECONDS,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    ttl: {
      AccessToken: TOKEN_SECONDS,
      AuthorizationCode: 60,
      IdToken: TOKEN_SECONDS,
      Interaction: 600,
      Session: TOKEN_SECONDS,
      Grant: TOKEN_SECONDS,
    },
    cookies: { keys: [crypto.randomUUID()] },
  };
};

const loginPage = (accounts: LocalAccount[]): string =>
  `<!doctype html><meta charset="utf-8"><title>Local sign-in</title><h1>Sign in to the local Lethe</h1><form method="post">${accounts
    .map(({ subject, name }) => `<p><button name="user" value="${subject}">${name}</button>`)
    .join('')}<p><label>Password (in <code>.lethe/keys/sign-in</code>) <input name="password" type="password" required></label></form>`;

// Of equal length whatever was sent: the time of the comparison tells nothing.
const isPassword = (sent: string, password: string): boolean => {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(sent), digest(password));
};

const readForm = async (request: IncomingMessage): Promise<URLSearchParams> => {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of request) {
    sizeBytes += (chunk as Buffer).length;
    if (sizeBytes > MAX_FORM_BYTES) throw new Error('the form is too large');
    chunks.push(chunk as Buffer);
  }
  return new URLSearchParams(Buffer.concat(chunks).toString());
};

type Login = { provider: Provider; accounts: LocalAccount[]; password: string };

const interact = async ({ provider, accounts, password }: Login, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { prompt, params, session, grantId } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    if (request.method !== 'POST') {
      response.writeHead(200, { 'content-type': 'text/html' }).end(loginPage(accounts));
      return;
    }
    const form = await readForm(request);
    const accountId = form.get('user') ?? '';
    const known = accounts.some(({ subject }) => subject === accountId) && isPassword(form.get('password') ?? '', password);
    await provider.interactionFinished(request, response, known ? { login: { accountId } } : { error: 'access_denied' }, {
      mergeWithLastSubmission: false,
    });
    return;
  }
  // The local client is our own: consent is given for what it asks.
  const known = grantId === undefined ? undefined : await provider.Grant.find(grantId);
  const grant = known ?? new provider.Grant({ accountId: session?.accountId ?? '', clientId: String(params['client_id']) });
  grant.addOIDCScope('openid');
  grant.addResourceScope(RESOURCE, 'lethe');
  await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } }, { mergeWithLastSubmission: true });
};

/** Starts the provider on loopback. All its users sign in with the one password: other users of the machine do not know it. */
export const startOidc = async (options: {
  port: number;
  accounts: LocalAccount[];
  redirectUris: string[];
  password: string;
}): Promise<LocalProvider> => {
  const { port, accounts, redirectUris, password } = options;
  const issuer = `http://127.0.0.1:${port}`;
  const provider = new Provider(issuer, await configuration(accounts, redirectUris));
  const handle = provider.callback();
  const server = createServer((request, response) => {
    const handled = request.url?.startsWith('/interaction/')
      ? interact({ provider, accounts, password }, request, response)
      : handle(request, response);
    Promise.resolve(handled).catch(() => {
      if (!response.headersSent) response.writeHead(400);
      response.end();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    issuer,
    password,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
};
