import type { GetGroupRequest, GetGroupResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { CallContext } from '@lethe/grpc/context';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { groupView } from '../app/views.ts';
import { findGroup } from '../store/groups.ts';

/** A group. */
export const getGroup =
  (deps: Deps) =>
  async (request: GetGroupRequest, ctx: CallContext): Promise<GetGroupResponse> => ({
    group: groupView(await loadVisible(ctx, 'group', findGroup(deps.store.db, request.groupId))),
  });
