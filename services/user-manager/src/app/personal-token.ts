// Personal tokens. Only the hash of one is stored.
import type { Store } from '@lethe/db/open';
import { createHash, randomBytes } from 'node:crypto';
import type { Tables } from '../store/tables.ts';
import { findByTokenHash, setLastUse } from '../store/tokens.ts';
import { unauthenticated, type Credential } from './credential.ts';

const PREFIX = 'lethe_pat_';
const SECRET_BYTES = 32;
const LAST_USE_EVERY_MS = 60_000;

/** Whether a bearer token is a personal one. */
export const isPersonalToken = (token: string): boolean => token.startsWith(PREFIX);

/** A new personal token. */
export const newPersonalToken = (): string => PREFIX + randomBytes(SECRET_BYTES).toString('base64url');

/** The hash that is stored of a personal token. */
export const tokenHash = (token: string): Buffer => createHash('sha256').update(token).digest();

/** Finds the user of a personal token; throws UNAUTHENTICATED. */
export const readPersonalToken = async (store: Store<Tables>, token: string, now: Date): Promise<Credential> => {
  const found = await findByTokenHash(store.db, tokenHash(token), now);
  if (!found) throw unauthenticated();
  if (!found.lastUseTime || now.getTime() - found.lastUseTime.getTime() > LAST_USE_EVERY_MS) await setLastUse(store.db, found.tokenId, now);
  return { user: found, scopes: found.scopes, tokenId: found.tokenId, expireTime: found.expireTime };
};
