import type { RevokeTokenRequest, RevokeTokenResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { changeRights } from '../app/change-rights.ts';
import { auditToken, tokenView } from '../app/views.ts';

/** Ends a token. */
export const revokeToken =
  (deps: Deps) =>
  async (request: RevokeTokenRequest, ctx: UserCall): Promise<RevokeTokenResponse> => {
    const caller = ctx.user;
    const found = await deps.store.db.selectFrom('tokens').select('userId').where('id', '=', request.tokenId).executeTakeFirst();
    if (!found || (found.userId !== caller.userId && !caller.superuser)) throw notFound('token');
    return changeRights(deps, ctx, request.requestId, [found.userId], async (tx, authzRevision) => {
      const before = await tx.selectFrom('tokens').selectAll().where('id', '=', request.tokenId).forUpdate().executeTakeFirstOrThrow();
      const revokeTime = before.revokeTime ?? deps.now();
      const after = await tx.updateTable('tokens').set({ revokeTime }).where('id', '=', before.id).returningAll().executeTakeFirstOrThrow();
      return {
        response: { token: tokenView(after), authzRevision },
        resource: `tokens/${after.id}`,
        before: auditToken(before),
        after: auditToken(after),
      };
    });
  };
