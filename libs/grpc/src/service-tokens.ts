// Short tokens by which services tell each other who they are (JWT, RFC 7519; EdDSA, RFC 8037).
import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT, type JWTPayload } from 'jose';
import { now, nowMs } from '@lethe/contracts/clock';
import { fail } from './errors.ts';
import type { ServicePrincipal } from './principal.ts';

const TYPE = 'lethe-service+jwt';
const TICKET_TYPE = 'lethe-ticket+jwt';
const LIFETIME_SECONDS = 60;
// A token is used again until it has this long to live: signing is dear at high call rates.
const REUSE_UNTIL_SECONDS = 30;
const CACHE_SIZE = 1000;
const CLOCK_TOLERANCE_SECONDS = 30;

/** For whom a service token is made, and in whose name. */
export type TokenRequest = { audience: string; onBehalfOf?: string; runId?: string; groupId?: string };

/** A service's own identity: its noun and its Ed25519 key (PKCS #8 PEM). */
export type ServiceIdentity = { service: string; privateKey: KeyObject };

/** Reads a private key. */
export const readPrivateKey = (pem: string): KeyObject => createPrivateKey(pem);

/** Reads the public keys of all services: noun → SPKI PEM. */
export const readPublicKeys = (pems: Record<string, string>): Map<string, KeyObject> =>
  new Map(Object.entries(pems).map(([service, pem]) => [service, createPublicKey(pem)]));

const nowSeconds = (): number => Math.floor(nowMs() / 1000);

/** Signs tokens of the service; equal requests within half a minute get the same token. */
export const tokenSigner = (identity: ServiceIdentity): ((request: TokenRequest) => Promise<string>) => {
  const cache = new Map<string, { token: string; expires: number }>();
  return async ({ audience, onBehalfOf = '', runId = '', groupId = '' }) => {
    const key = [audience, onBehalfOf, runId, groupId].join('|');
    const known = cache.get(key);
    if (known && known.expires - nowSeconds() > REUSE_UNTIL_SECONDS) return known.token;
    const expires = nowSeconds() + LIFETIME_SECONDS;
    const token = await new SignJWT({ on_behalf_of: onBehalfOf, run_id: runId, group_id: groupId })
      .setProtectedHeader({ alg: 'EdDSA', typ: TYPE })
      .setIssuer(identity.service)
      .setSubject(identity.service)
      .setAudience(audience)
      .setIssuedAt(nowSeconds())
      .setExpirationTime(expires)
      .sign(identity.privateKey);
    if (cache.size >= CACHE_SIZE) cache.clear();
    cache.set(key, { token, expires });
    return token;
  };
};

/** Whether a bearer token claims to be a service's; says nothing about its truth. */
export const isServiceToken = (token: string): boolean => {
  try {
    return decodeProtectedHeader(token).typ === TYPE;
  } catch {
    return false;
  }
};

const verify = async (token: string, type: string, audience: string, keys: Map<string, KeyObject>): Promise<JWTPayload> => {
  const issuer = claimedIssuer(token);
  const key = keys.get(issuer);
  if (!key) throw fail('UNAUTHENTICATED');
  try {
    const { payload } = await jwtVerify(token, key, {
      issuer,
      audience,
      algorithms: ['EdDSA'],
      typ: type,
      requiredClaims: ['exp', 'iat', 'sub'],
      clockTolerance: CLOCK_TOLERANCE_SECONDS,
      currentDate: now(),
    });
    checkIssuedAt(payload, CLOCK_TOLERANCE_SECONDS);
    return payload;
  } catch (cause) {
    throw fail('UNAUTHENTICATED', {}, { cause });
  }
};

/** Refuses a token that says it was issued in the future: its lifetime would begin later than its holder has it (jose checks `exp` and `nbf` alone). */
export const checkIssuedAt = ({ iat }: JWTPayload, toleranceSeconds: number): void => {
  if (iat === undefined || iat > nowSeconds() + toleranceSeconds) throw fail('UNAUTHENTICATED');
};

/** The issuer that a JWT claims to have, not verified; '' where there is none. */
export const claimedIssuer = (token: string): string => {
  try {
    return decodeJwt(token).iss ?? '';
  } catch {
    return '';
  }
};

/** Verifies a service token that is for `audience`; throws UNAUTHENTICATED. */
export const verifyServiceToken = async (token: string, audience: string, keys: Map<string, KeyObject>): Promise<ServicePrincipal> => {
  const payload = await verify(token, TYPE, audience, keys);
  if (payload.exp !== undefined && payload.iat !== undefined && payload.exp - payload.iat > LIFETIME_SECONDS) throw fail('UNAUTHENTICATED');
  // The key is the issuer's: a service speaks for itself alone.
  if (payload.sub !== payload.iss) throw fail('UNAUTHENTICATED');
  const text = (name: string): string => (typeof payload[name] === 'string' ? payload[name] : '');
  return {
    kind: 'service',
    service: payload.sub ?? '',
    onBehalfOf: text('on_behalf_of'),
    runId: text('run_id'),
    groupId: text('group_id'),
  };
};

/** What a run's ticket allows: its connections with READ or WRITE, in the name of the user who released the task. */
export type Ticket = {
  runId: string;
  groupId: string;
  releasedBy: string;
  snapshotHash: string;
  connections: { connectionId: string; access: 'READ' | 'WRITE' }[];
};

/** Signs a run's ticket; only EtlTaskManager's are taken. */
export const signTicket = (identity: ServiceIdentity, ticket: Ticket, lifetimeMs: number): Promise<string> =>
  new SignJWT({ ticket })
    .setProtectedHeader({ alg: 'EdDSA', typ: TICKET_TYPE })
    .setIssuer(identity.service)
    .setSubject(ticket.runId)
    .setAudience('extdatamodule')
    .setIssuedAt(nowSeconds())
    .setExpirationTime(new Date(nowMs() + lifetimeMs))
    .sign(identity.privateKey);

/** Verifies a run's ticket; undefined when it is not one of EtlTaskManager's, or has expired. */
export const verifyTicket = async (token: string, keys: Map<string, KeyObject>): Promise<Ticket | undefined> => {
  try {
    if (claimedIssuer(token) !== 'task') return undefined;
    const payload = await verify(token, TICKET_TYPE, 'extdatamodule', keys);
    return payload['ticket'] as Ticket;
  } catch {
    return undefined;
  }
};
