// Users of sign-in providers: made at their first token; each new token is recorded as a login.
import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import { mutateAsSystem } from '@lethe/db/mutate';
import type { Store } from '@lethe/db/open';
import type { JWTPayload } from 'jose';
import { createHash, randomUUIDv7 } from 'node:crypto';
import type { Config } from '../config.ts';
import type { Tables, UserRow } from '../store/tables.ts';
import { findAccount, insertUser } from '../store/users.ts';
import type { Credential } from './credential.ts';
import { oidcVerifier } from './oidc.ts';
import { auditUser } from './views.ts';

const MAX_NAME_LENGTH = 256;

const textClaim = (claims: JWTPayload, name: string): string =>
  typeof claims[name] === 'string' ? claims[name].slice(0, MAX_NAME_LENGTH) : '';

const makeUser = (store: Store<Tables>, config: Config, claims: JWTPayload): Promise<UserRow> =>
  mutateAsSystem(store, { service: 'user', action: 'first-login' }, async (tx) => {
    const issuer = claims.iss ?? '';
    const subject = claims.sub ?? '';
    const email = textClaim(claims, 'email');
    const user = await insertUser(tx, {
      id: randomUUIDv7(),
      issuer,
      subject,
      displayName: textClaim(claims, 'name') || textClaim(claims, 'preferred_username') || email || subject.slice(0, MAX_NAME_LENGTH),
      email,
      state: User_State.ACTIVE,
      superuser: config.superusers.has(`${issuer}|${subject}`),
    });
    return { response: user, resource: `users/${user.id}`, after: auditUser(user), revision: user.version };
  });

const recordLogin = (store: Store<Tables>, user: UserRow): Promise<void> =>
  mutateAsSystem(store, { service: 'user', action: 'login', onBehalfOf: user.id }, async () => ({
    response: undefined,
    resource: `users/${user.id}`,
  }));

/** Makes the function that verifies a provider's token and finds or makes its user; throws UNAUTHENTICATED. */
export const signInWith = (store: Store<Tables>, config: Config, now: () => Date): ((token: string) => Promise<Credential>) => {
  const verify = oidcVerifier(config.issuers);
  const recordedUntilMs = new Map<string, number>();
  return async (token) => {
    const claims = await verify(token);
    const known = await findAccount(store.db, claims.iss ?? '', claims.sub ?? '');
    const user = known ?? (await makeUser(store, config, claims));
    const expireTime = new Date((claims.exp ?? 0) * 1000);
    const hash = createHash('sha256').update(token).digest('base64');
    if (user.state === User_State.ACTIVE && !recordedUntilMs.has(hash)) {
      for (const [old, untilMs] of recordedUntilMs) if (untilMs < now().getTime()) recordedUntilMs.delete(old);
      recordedUntilMs.set(hash, expireTime.getTime());
      await recordLogin(store, user);
    }
    return { user, scopes: ['*'], tokenId: '', expireTime };
  };
};
