import type { RevokeTokenRequest, RevokeTokenResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { auditToken, tokenView } from '../app/views.ts';
import { findToken, lockToken, markTokenRevoked } from '../store/tokens.ts';

/** Ends a token. */
export const revokeToken =
  (deps: Deps) =>
  async (request: RevokeTokenRequest, ctx: UserCall): Promise<RevokeTokenResponse> => {
    const caller = ctx.user;
    const found = await findToken(deps.store.db, request.tokenId);
    if (!found || (found.userId !== caller.userId && !caller.superuser)) throw notFound('token');
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [found.userId] }, async (tx, authzRevision) => {
      const before = await lockToken(tx, found.id);
      if (before.revokeTime) return { response: { token: tokenView(before), authzRevision }, resource: `tokens/${before.id}` };
      const after = await markTokenRevoked(tx, before, deps.now());
      return {
        response: { token: tokenView(after), authzRevision },
        resource: `tokens/${after.id}`,
        before: auditToken(before),
        after: auditToken(after),
      };
    });
  };
