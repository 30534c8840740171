import type { GetUserRequest, GetUserResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { accessView } from '../app/access-view.ts';
import type { Deps } from '../app/deps.ts';
import { userView } from '../app/views.ts';
import { findUser } from '../store/users.ts';

/** The caller, or another user with those memberships that the caller shares. */
export const getUser =
  (deps: Deps) =>
  async (request: GetUserRequest, ctx: UserCall): Promise<GetUserResponse> => {
    const caller = ctx.user;
    const id = request.userId || caller.userId;
    const user = await findUser(deps.store.db, id);
    if (!user) throw notFound('user');
    ctx.resource = `users/${id}`;
    const access = await accessView(deps.store, deps.config, id, deps.now());
    if (id === caller.userId || caller.superuser) return { user: userView(user), access };
    const shared = access.memberships.filter(({ groupId }) => caller.memberships.has(groupId));
    return { user: userView(user), access: { ...access, memberships: shared, grants: [], pendingGrants: [] } };
  };
