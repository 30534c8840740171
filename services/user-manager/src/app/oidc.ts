// Tokens of sign-in providers. The only place that knows issuers and their keys.
import { now } from '@lethe/contracts/clock';
import { fail } from '@lethe/grpc/errors';
import { checkIssuedAt, claimedIssuer } from '@lethe/grpc/service-tokens';
import { createRemoteJWKSet, errors as joseErrors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import type { Issuer } from '../config.ts';
import { unauthenticated } from './credential.ts';

const ALGORITHMS = ['ES256', 'ES384', 'RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'EdDSA'];
const CLOCK_TOLERANCE_SECONDS = 60;
const KEYS_TIMEOUT_MS = 5_000;

const discoverKeys = async ({ issuer }: Issuer): Promise<JWTVerifyGetKey> => {
  const response = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {
    redirect: 'error',
    signal: AbortSignal.timeout(KEYS_TIMEOUT_MS),
  });
  const document = (await response.json()) as { issuer?: unknown; jwks_uri?: unknown };
  if (document.issuer !== issuer || typeof document.jwks_uri !== 'string') throw new Error('the discovery document is of another issuer');
  return createRemoteJWKSet(new URL(document.jwks_uri), { timeoutDuration: KEYS_TIMEOUT_MS });
};

/** Makes the function that verifies a token of one of the issuers and returns its claims; throws UNAUTHENTICATED. */
export const oidcVerifier = (issuers: readonly Issuer[]): ((token: string) => Promise<JWTPayload>) => {
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
        currentDate: now(),
      };
      const { payload } = await jwtVerify(token, getKey, options);
      checkIssuedAt(payload, CLOCK_TOLERANCE_SECONDS);
      return payload;
    } catch (error) {
      if (error instanceof joseErrors.JWKSTimeout) throw fail('DEPENDENCY_UNAVAILABLE', { dependency: 'oidc' }, { cause: error });
      throw error instanceof joseErrors.JOSEError ? unauthenticated(error) : error;
    }
  };
};
