// Bearer tokens → principals, with a short cache: a user's rights are at most 5 seconds old, and dropped sooner when they change.
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Noun } from '@lethe/contracts/nouns';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, fail, passOn } from '@lethe/grpc/errors';
import type { Authenticator } from '@lethe/grpc/middleware/authenticate';
import { toPrincipal, type UserPrincipal } from '@lethe/grpc/principal';
import { isServiceToken, verifyServiceToken } from '@lethe/grpc/service-tokens';
import { createHash, type KeyObject } from 'node:crypto';

const CACHE_MS = 5_000;
const CACHE_SIZE = 10_000;

type Entry = { principal: Promise<UserPrincipal>; untilMs: number };

/** The cache of users' rights; `drop` forgets what is known of a user. */
export type UserCache = { authenticate: Authenticator; drop: (userId: string) => void };

/** Asks UserManager for users, at most once in 5 s for a token; concurrent misses share one call. */
export const userCache = (ask: (token: string, ctx: CallContext) => Promise<AuthenticateResponse>): UserCache => {
  const entries = new Map<string, Entry>();
  const load = async (key: string, token: string, ctx: CallContext): Promise<UserPrincipal> => {
    try {
      const response = await ask(token, ctx);
      const entry = entries.get(key);
      if (entry && response.expireTime) entry.untilMs = Math.min(entry.untilMs, response.expireTime.getTime());
      return toPrincipal(response);
    } catch (error) {
      entries.delete(key);
      if (error instanceof CallError && error.reason === 'UNAUTHENTICATED')
        throw fail('UNAUTHENTICATED', {}, { message: error.message, cause: error });
      throw passOn(error, 'user');
    }
  };
  const authenticate: Authenticator = async (token, minRevision, ctx) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = entries.get(key);
    if (known && known.untilMs > Date.now()) {
      const principal = await known.principal;
      if (principal.authzRevision >= minRevision) return principal;
    }
    if (entries.size >= CACHE_SIZE) entries.clear();
    const entry = { principal: load(key, token, ctx), untilMs: Date.now() + CACHE_MS };
    entries.set(key, entry);
    return entry.principal;
  };
  const drop = (userId: string): void => {
    for (const [key, { principal }] of entries)
      void principal.then((user) => (user.userId === userId ? entries.delete(key) : false)).catch(() => {});
  };
  return { authenticate, drop };
};

/** Takes service tokens by their signature, and everything else by `users`. */
export const authenticator =
  (noun: Noun, publicKeys: Map<string, KeyObject>, users: Authenticator): Authenticator =>
  (token, minRevision, ctx) =>
    isServiceToken(token) ? verifyServiceToken(token, noun, publicKeys) : users(token, minRevision, ctx);
