import type { CallContext } from '../context.ts';
import { fail } from '../errors.ts';
import type { Principal } from '../principal.ts';

/** Turns a bearer token into a principal; throws UNAUTHENTICATED. `minRevision` refuses cached rights older than that revision. */
export type Authenticator = (token: string, minRevision: bigint, ctx: CallContext) => Promise<Principal>;

/** The metadata key by which a caller says that it has seen a change to rights. */
export const MIN_AUTHZ_REVISION_KEY = 'lethe-min-authz-revision';

/** Reads exactly one `authorization: Bearer …` and finds out who calls. */
export const authenticate =
  (authenticator: Authenticator) =>
  async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    const values = ctx.metadata.get('authorization');
    const [, token] = /^Bearer ([\x21-\x7e]{1,16384})$/i.exec(values.length === 1 ? String(values[0]) : '') ?? [];
    if (token === undefined) throw fail('UNAUTHENTICATED', {}, { message: 'a single `authorization: Bearer <token>` is required' });
    const revision = ctx.metadata.get(MIN_AUTHZ_REVISION_KEY)[0];
    const minRevision = /^\d{1,18}$/.test(String(revision)) ? BigInt(String(revision)) : 0n;
    ctx.authenticate = async () => {
      ctx.principal = await authenticator(token, minRevision, ctx);
    };
    await ctx.authenticate();
    return next();
  };
