import { GroupMember } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { ListGroupMembersRequest, ListGroupMembersResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { memberView } from '../app/views.ts';
import { findGroup } from '../store/groups.ts';
import { listMembers } from '../store/members.ts';

/** A page of a group's members. */
export const listGroupMembers =
  (deps: Deps) =>
  async (request: ListGroupMembersRequest, ctx: CallContext): Promise<ListGroupMembersResponse> => {
    const group = await loadVisible(ctx, 'group', findGroup(deps.store.db, request.groupId));
    const page = openPage(ctx, request);
    const rows = await listMembers(deps.store.db, { groupId: group.id, after: page.after, limit: page.limit + 1 });
    const members = rows.map((row) => memberView(row, row.displayName));
    const { items, nextPageToken } = closePage(page, members, ({ userId }) => userId, GroupMember);
    return { members: items, nextPageToken };
  };
