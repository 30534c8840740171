import type { Noun } from '@lethe/contracts/nouns';
import type { ServiceCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';

/** Refuses every service but the one named. */
export const requireService = (ctx: ServiceCall, service: Noun): void => {
  if (ctx.service.service !== service) throw fail('PERMISSION_DENIED', { permission: `service ${service}` });
};
