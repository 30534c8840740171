// Bearer tokens → principals, with a short cache: a user's rights are at most 5 seconds old, and dropped sooner when they change.
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { nowMs } from '@lethe/contracts/clock';
import type { Noun } from '@lethe/contracts/nouns';
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

/**
 * Asks UserManager for users, at most once in 5 s for a token. Concurrent misses share one call, which is nobody's own: it has the deadline of its method,
 * and does not end with the caller that came first.
 */
export const userCache = (ask: (token: string) => Promise<AuthenticateResponse>): UserCache => {
  const entries = new Map<string, Entry>();
  const load = async (token: string): Promise<{ principal: UserPrincipal; expireTime: Date | undefined }> => {
    try {
      const response = await ask(token);
      return { principal: toPrincipal(response), expireTime: response.expireTime };
    } catch (error) {
      if (error instanceof CallError && error.reason === 'UNAUTHENTICATED')
        throw fail('UNAUTHENTICATED', {}, { message: error.message, cause: error });
      throw passOn(error, 'user');
    }
  };
  const add = (key: string, token: string): Entry => {
    if (entries.size >= CACHE_SIZE) entries.clear();
    const entry: Entry = { principal: fill(), untilMs: nowMs() + CACHE_MS };
    entries.set(key, entry);
    return entry;

    async function fill(): Promise<UserPrincipal> {
      try {
        const { principal, expireTime } = await load(token);
        if (expireTime) entry.untilMs = Math.min(entry.untilMs, expireTime.getTime());
        return principal;
      } catch (error) {
        // A newer entry may have taken its place.
        if (entries.get(key) === entry) entries.delete(key);
        throw error;
      }
    }
  };
  const authenticate: Authenticator = async (token, minRevision) => {
    const key = createHash('sha256').update(token).digest('base64');
    const known = entries.get(key);
    if (known && known.untilMs > nowMs()) {
      const principal = await known.principal;
      if (principal.authzRevision >= minRevision) return principal;
    }
    return add(key, token).principal;
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
