// Tokens → users. The only place that knows issuers, their keys, and the hashes of personal tokens.
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import { fail } from '@lethe/grpc/errors';
import { claimedIssuer } from '@lethe/grpc/service-tokens';
import { createRemoteJWKSet, errors as joseErrors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { createHash, randomUUIDv7 } from 'node:crypto';
import type { Config, Issuer } from '../config.ts';
import { permissionsOfEverybody } from '../domain/permissions.ts';
import { accessRequestView, auditUser, membershipView, userView } from './views.ts';
import type { AccessRequestRow, Tables, UserRow } from '../store/tables.ts';
import { authzRevision, findAccount, findByTokenHash, grantsOf, membershipsOf, pendingOf } from '../store/users.ts';

/** How a personal token begins. */
export const TOKEN_PREFIX = 'lethe_pat_';

const ALGORITHMS = ['ES256', 'ES384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const CLOCK_TOLERANCE_SECONDS = 60;
const LAST_USE_EVERY_MS = 60_000;
const KEYS_TIMEOUT_MS = 5_000;

type Credential = { user: UserRow; scopes: string[]; tokenId: string; expireTime: Date | undefined };

/** The hash under which a personal token is kept. */
export const tokenHash = (secret: string): Buffer => createHash('sha256').update(secret).digest();

const unauthenticated = (cause?: unknown): Error => fail('UNAUTHENTICATED', {}, { message: 'the credential is not valid', cause });

const discoverKeys = async ({ issuer }: Issuer): Promise<JWTVerifyGetKey> => {
  const answer = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(KEYS_TIMEOUT_MS),
  });
  const document = (await answer.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') throw new Error('the discovery document is of another issuer');
  return createRemoteJWKSet(new URL(document.jwks_uri), { timeoutDuration: KEYS_TIMEOUT_MS });
};

const verifier = (issuers: readonly Issuer[]): ((token: string) => Promise<JWTPayload>) => {
  const keys = new Map<string, Promise<JWTVerifyGetKey>>();
  const keysOf = (issuer: Issuer): Promise<JWTVerifyGetKey> => {
    const known = keys.get(issuer.issuer) ?? discoverKeys(issuer);
    keys.set(issuer.issuer, known);
    known.catch(() => keys.delete(issuer.issuer));
    return known;
  };
  return async (token) => {
    const claimed = claimedIssuer(token);
    const issuer = issuers.find((candidate) => candidate.issuer === claimed);
    if (!issuer) throw unauthenticated();
    try {
      const getKey = await keysOf(issuer).catch((cause: unknown) => {
        throw fail('DEPENDENCY_UNAVAILABLE', { dependency: 'oidc' }, { cause });
      });
      const options = {
        issuer: issuer.issuer,
        audience: issuer.audience,
        algorithms: ALGORITHMS,
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      };
      return (await jwtVerify(token, getKey, options)).payload;
    } catch (error) {
      if (error instanceof joseErrors.JWKSTimeout) throw fail('DEPENDENCY_UNAVAILABLE', { dependency: 'oidc' }, { cause: error });
      throw error instanceof joseErrors.JOSEError ? unauthenticated(error) : error;
    }
  };
};

const text = (payload: JWTPayload, name: string): string => (typeof payload[name] === 'string' ? payload[name].slice(0, 256) : '');

const makeUser = (store: Store<Tables>, config: Config, payload: JWTPayload): Promise<UserRow> =>
  mutateAsSystem(store, { service: 'user', action: 'first-login' }, async (tx) => {
    const issuer = payload.iss ?? '';
    const subject = payload.sub ?? '';
    const email = text(payload, 'email');
    await tx
      .insertInto('users')
      .values({
        id: randomUUIDv7(),
        issuer,
        subject,
        displayName: text(payload, 'name') || text(payload, 'preferred_username') || email || subject.slice(0, 256),
        email,
        state: User_State.ACTIVE,
        superuser: config.superusers.has(`${issuer}|${subject}`),
      })
      .onConflict((conflict) => conflict.columns(['issuer', 'subject']).doNothing())
      .execute();
    const user = await tx
      .selectFrom('users')
      .selectAll()
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirstOrThrow();
    return { response: user, resource: `users/${user.id}`, after: auditUser(user), revision: user.version };
  });

const recordLogin = (store: Store<Tables>, user: UserRow): Promise<void> =>
  mutateAsSystem(store, { service: 'user', action: 'login', onBehalfOf: user.id }, async () => ({
    response: undefined,
    resource: `users/${user.id}`,
  }));

/** Makes the function that turns a token into an answer of Authenticate. */
export const authenticateWith = (
  store: Store<Tables>,
  config: Config,
  now: () => Date,
): ((token: string) => Promise<AuthenticateResponse>) => {
  const verify = verifier(config.issuers);
  const seen = new Map<string, number>();
  const byPersonalToken = async (token: string): Promise<Credential> => {
    const found = await findByTokenHash(store.db, tokenHash(token), now());
    if (!found) throw unauthenticated();
    if (!found.lastUseTime || now().getTime() - found.lastUseTime.getTime() > LAST_USE_EVERY_MS) {
      await store.db.updateTable('tokens').set({ lastUseTime: now() }).where('id', '=', found.tokenId).execute();
    }
    return { user: found, scopes: found.scopes, tokenId: found.tokenId, expireTime: found.expireTime };
  };
  const byProvider = async (token: string): Promise<Credential> => {
    const payload = await verify(token);
    const known = await findAccount(store.db, payload.iss ?? '', payload.sub ?? '');
    const user = known ?? (await makeUser(store, config, payload));
    const expireTime = new Date((payload.exp ?? 0) * 1000);
    const hash = tokenHash(token).toString('base64');
    if (user.state === User_State.ACTIVE && !seen.has(hash)) {
      for (const [old, untilMs] of seen) if (untilMs < now().getTime()) seen.delete(old);
      seen.set(hash, expireTime.getTime());
      await recordLogin(store, user);
    }
    return { user, scopes: ['*'], tokenId: '', expireTime };
  };
  return async (token) => {
    const credential = await (token.startsWith(TOKEN_PREFIX) ? byPersonalToken(token) : byProvider(token));
    if (credential.user.state !== User_State.ACTIVE) throw unauthenticated();
    return { ...credential, user: userView(credential.user), access: await accessView(store, config, credential.user.id, now()) };
  };
};

/** What a user may do everywhere, at `now`. */
export const accessView = async (
  store: Store<Tables>,
  config: Config,
  userId: string,
  now: Date,
): Promise<NonNullable<AuthenticateResponse['access']>> => {
  const revision = await authzRevision(store.db);
  const [memberships, grants, pending] = await Promise.all([
    membershipsOf(store.db, userId),
    grantsOf(store.db, userId, now),
    pendingOf(store.db, userId),
  ]);
  const grantView = (row: AccessRequestRow) => {
    const { connectionId, access, id, expireTime } = accessRequestView(row, now);
    return { connectionId, access, accessRequestId: id, expireTime };
  };
  return {
    memberships: memberships.map(membershipView),
    grants: grants.map(grantView),
    pendingGrants: pending.map(grantView),
    permissions: permissionsOfEverybody(config.openGroupCreation),
    authzRevision: revision,
  };
};
