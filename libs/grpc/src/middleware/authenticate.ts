import type { Metadata } from '@grpc/grpc-js';
import type { CallContext } from '../context.ts';
import { fail, type AppError } from '../errors.ts';
import type { Principal } from '../principal.ts';

/** Turns a bearer token into a principal; throws UNAUTHENTICATED. `minRevision` refuses cached rights older than that revision. */
export type Authenticator = (token: string, minRevision: bigint, ctx: CallContext) => Promise<Principal>;

/** The metadata key by which a caller says that it has seen a change to rights. */
export const MIN_AUTHZ_REVISION_KEY = 'lethe-min-authz-revision';

/** The token of exactly one `authorization: Bearer …`; undefined where there is none, or where there are two. */
export const bearerOf = (metadata: Metadata): string | undefined => {
  const values = metadata.get('authorization');
  return /^Bearer ([\x21-\x7e]{1,16384})$/i.exec(values.length === 1 ? String(values[0]) : '')?.[1];
};

/** The error of a call that says in no readable way who calls. */
export const noBearer = (): AppError => fail('UNAUTHENTICATED', {}, { message: 'a single `authorization: Bearer <token>` is required' });

/** Reads exactly one `authorization: Bearer …` and finds out who calls. */
export const authenticate =
  (authenticator: Authenticator) =>
  async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
    const token = bearerOf(ctx.metadata);
    if (token === undefined) throw noBearer();
    const revision = ctx.metadata.get(MIN_AUTHZ_REVISION_KEY)[0];
    const minRevision = /^\d{1,18}$/.test(String(revision)) ? BigInt(String(revision)) : 0n;
    ctx.authenticate = async () => {
      ctx.principal = await authenticator(token, minRevision, ctx);
    };
    await ctx.authenticate();
    return next();
  };
