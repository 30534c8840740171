import { User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { UpdateUserRequest, UpdateUserResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { UserCall } from '@lethe/grpc/context';
import { fail, invalidField, notFound } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { readMask } from '@lethe/grpc/mask';
import { changeRights } from '../app/change-rights.ts';
import type { Deps } from '../app/deps.ts';
import { auditUser, userView } from '../app/views.ts';
import { findUser, updateUser as saveUser } from '../store/users.ts';

const MUTABLE = ['display_name', 'state'];

/** Changes a user's name or state. A deactivated user's credentials are refused from then on. */
export const updateUser =
  (deps: Deps) =>
  async (request: UpdateUserRequest, ctx: UserCall): Promise<UpdateUserResponse> => {
    const wanted = request.user;
    const paths = readMask(request.updateMask, MUTABLE, (path) =>
      path === 'state' ? wanted?.state !== User_State.UNSPECIFIED : wanted?.displayName !== '',
    );
    if (paths.has('state') && wanted?.state === User_State.UNSPECIFIED) throw invalidField('user.state', 'required', 'a state is required');
    if (paths.has('display_name') && !wanted?.displayName) throw invalidField('user.display_name', 'string.min_len', 'a name is required');
    return changeRights(deps, ctx, { requestId: request.requestId, userIds: [request.userId] }, async (tx, authzRevision) => {
      const before = await findUser(tx, request.userId);
      if (!before) throw notFound('user');
      checkEtag(request.etag, before.version);
      if (paths.has('state') && wanted?.state === User_State.DEACTIVATED && before.id === ctx.user.userId) throw fail('SELF_DEACTIVATION');
      const changes = {
        ...(paths.has('state') && wanted ? { state: wanted.state } : {}),
        ...(paths.has('display_name') && wanted ? { displayName: wanted.displayName } : {}),
      };
      const after = await saveUser(tx, before, changes, deps.now());
      return {
        response: { user: userView(after), authzRevision },
        resource: `users/${after.id}`,
        before: auditUser(before),
        after: auditUser(after),
        revision: after.version,
      };
    });
  };
