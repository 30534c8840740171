import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';

/** Refuses every service but the one named. */
export const requireService = (ctx: CallContext, service: string): void => {
  if (ctx.principal.kind !== 'service' || ctx.principal.service !== service)
    throw fail('PERMISSION_DENIED', { permission: `service ${service}` });
};
