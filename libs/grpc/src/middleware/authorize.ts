import { reflect } from '@bufbuild/protobuf/reflect';
import { resourceFields } from '@lethe/contracts/registry';
import type { CallContext } from '../context.ts';
import { fail, notFound } from '../errors.ts';
import { inScope, isMember, mayAnywhere, mayIn, type UserPrincipal } from '../principal.ts';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

const groupOfRequest = ({ method, request }: CallContext): string => {
  const field = resourceFields(method.input).find(({ kind }) => kind === 'group')?.field;
  if (field?.fieldKind !== 'scalar') return '';
  try {
    return String(reflect(method.input, request()).get(field));
  } catch {
    // Bytes that are unreadable or too many are for the validate layer, which fails with the right reason.
    return '';
  }
};

const checkGroupOfRequest = (ctx: CallContext): void => {
  const groupId = groupOfRequest(ctx);
  if (!UUID.test(groupId)) return;
  if (!isMember(ctx.principal, groupId)) throw notFound('group');
  ctx.groupId = groupId;
  if (!mayIn(ctx.principal, ctx.method.policy.permission, groupId))
    throw fail('PERMISSION_DENIED', { permission: ctx.method.policy.permission });
};

const checkUser = (ctx: CallContext, principal: UserPrincipal): void => {
  const { permission, scope } = ctx.method.policy;
  if (!inScope(principal.scopes, permission)) throw fail('SCOPE_MISSING', { permission });
  if (scope === 'SUPERUSER' && !principal.superuser) throw fail('PERMISSION_DENIED', { permission });
  const needsGroup = scope === 'ANY_GROUP' || scope === 'GROUP_OF_REQUEST' || scope === 'GROUP_OF_RESOURCE';
  if (needsGroup && !mayAnywhere(principal, permission)) throw fail('PERMISSION_DENIED', { permission });
  if (scope === 'GROUP_OF_REQUEST') checkGroupOfRequest(ctx);
};

const judge = (ctx: CallContext): void => {
  const { callers, permission, services } = ctx.method.policy;
  const { principal } = ctx;
  if (principal.kind === 'service') {
    if (callers === 'USER' || !services.includes(principal.service)) throw fail('PERMISSION_DENIED', { permission });
    ctx.service = principal;
  } else {
    if (callers === 'SERVICE') throw fail('SERVICE_ONLY');
    if (principal.kind !== 'user') throw fail('UNAUTHENTICATED');
    checkUser(ctx, principal);
    ctx.user = principal;
  }
};

/**
 * Applies the method's policy: who may call, the credential's scope, and the permission in some group, before anything is looked up. Then the
 * context has the caller as `user` or `service`. A stream is judged again while it lasts, for the group of its resource too.
 */
export const authorize = async (ctx: CallContext, next: () => Promise<unknown>): Promise<unknown> => {
  judge(ctx);
  ctx.authorizeAgain = async () => {
    await ctx.authenticate();
    judge(ctx);
    const { permission } = ctx.method.policy;
    if (ctx.user && ctx.groupId !== '' && !mayIn(ctx.user, permission, ctx.groupId)) throw fail('PERMISSION_DENIED', { permission });
  };
  return next();
};
