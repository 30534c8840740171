import type { GetGroupRequest, GetGroupResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import { findGroup } from '../store/groups.ts';
import type { Deps } from '../app/deps.ts';
import { groupView } from '../app/views.ts';

/** A group. */
export const getGroup =
  (deps: Deps) =>
  async (request: GetGroupRequest, ctx: CallContext): Promise<GetGroupResponse> => ({
    group: groupView(await loadVisible(ctx, 'group', findGroup(deps.store.db, request.groupId))),
  });
