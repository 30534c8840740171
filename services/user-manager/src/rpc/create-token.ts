import type { CreateTokenRequest, CreateTokenResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { permissions } from '@lethe/contracts/registry';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { inScope } from '@lethe/grpc/principal';
import { randomUUIDv7 } from 'node:crypto';
import { unauthenticated } from '../app/credential.ts';
import type { Deps } from '../app/deps.ts';
import { newPersonalToken, tokenHash } from '../app/personal-token.ts';
import { auditToken, tokenView } from '../app/views.ts';
import { isScope } from '../domain/permissions.ts';
import { insertToken, lockToken } from '../store/tokens.ts';

const DAY_SECONDS = 86_400n;
const DEFAULT_DAYS = 30n;
const MAX_DAYS = 366n;

const known = permissions();

const checkScopes = (wanted: readonly string[], held: readonly string[]): void => {
  wanted.forEach((scope, index) => {
    // `<noun>.*` is within the credential's scopes when each permission that it covers is.
    const covered = scope.endsWith('.*') ? known.filter((permission) => permission.startsWith(scope.slice(0, -1))) : [scope];
    if (isScope(scope, known) && covered.every((permission) => inScope(held, permission))) return;
    throw fail(
      'SCOPE_INVALID',
      { scope },
      {
        fields: [
          { field: `scopes[${index}]`, rule: 'SCOPE_INVALID', description: 'no known permission, or beyond the credential of this call' },
        ],
      },
    );
  });
};

/** Makes a personal token. Its hash is stored; the secret is in this response only, and not in a replay of it. */
export const createToken =
  (deps: Deps) =>
  async (request: CreateTokenRequest, ctx: UserCall): Promise<CreateTokenResponse> => {
    const caller = ctx.user;
    checkScopes(request.scopes, caller.scopes);
    const seconds = request.ttl?.seconds ?? DEFAULT_DAYS * DAY_SECONDS;
    if (seconds <= 0n || seconds > MAX_DAYS * DAY_SECONDS) throw fail('TIME_INVALID', { field: 'ttl' });
    const secret = newPersonalToken();
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      // A token made with a token ends with it, and no later.
      const parent = caller.tokenId === '' ? undefined : await lockToken(tx, caller.tokenId);
      if (parent?.revokeTime) throw unauthenticated();
      const wantedMs = deps.now().getTime() + Number(seconds) * 1000;
      const expireTime = new Date(parent ? Math.min(wantedMs, parent.expireTime.getTime()) : wantedMs);
      const token = await insertToken(tx, {
        id: randomUUIDv7(),
        userId: caller.userId,
        displayName: request.displayName,
        scopes: request.scopes,
        hash: tokenHash(secret),
        parentId: parent?.id ?? null,
        expireTime,
      });
      return { response: { token: tokenView(token), secret }, resource: `tokens/${token.id}`, after: auditToken(token) };
    });
  };
