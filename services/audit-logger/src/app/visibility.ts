import type { UserCall } from '@lethe/grpc/context';
import { groupsWith } from '@lethe/grpc/principal';
import type { Visibility } from '../domain/visibility.ts';

/** What the caller may see: their own actions and those of groups where they are at least DEVELOPER; superusers see everything. */
export const visibilityOf = (ctx: UserCall): Visibility => {
  const caller = ctx.user;
  const groupIds = groupsWith(caller, 'audit.group');
  return groupIds === undefined ? { all: true } : { all: false, userId: caller.userId, groupIds };
};
