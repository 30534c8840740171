import type { UserManagerDefinition } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { Deps } from '../app/deps.ts';
import { ackNotification } from './ack-notification.ts';
import { addAccess } from './add-access.ts';
import { addGroupMember } from './add-group-member.ts';
import { approveAccessRequest } from './approve-access-request.ts';
import { authenticate } from './authenticate.ts';
import { checkAccess } from './check-access.ts';
import { createGroup } from './create-group.ts';
import { createToken } from './create-token.ts';
import { getAccessRequest } from './get-access-request.ts';
import { getGroup } from './get-group.ts';
import { getUser } from './get-user.ts';
import { listAccessRequests } from './list-access-requests.ts';
import { listGroupMembers } from './list-group-members.ts';
import { listGroups } from './list-groups.ts';
import { listNotifications } from './list-notifications.ts';
import { listTokens } from './list-tokens.ts';
import { listUsers } from './list-users.ts';
import { removeGroupMember } from './remove-group-member.ts';
import { revokeAccess } from './revoke-access.ts';
import { revokeToken } from './revoke-token.ts';
import { updateGroupMember } from './update-group-member.ts';
import { updateUser } from './update-user.ts';

/** The handlers of UserManager; one that is missing does not compile. */
export const handlers = (deps: Deps): Handlers<typeof UserManagerDefinition> => ({
  getUser: getUser(deps),
  listUsers: listUsers(deps),
  updateUser: updateUser(deps),
  authenticate: authenticate(deps),
  createGroup: createGroup(deps),
  getGroup: getGroup(deps),
  listGroups: listGroups(deps),
  addGroupMember: addGroupMember(deps),
  updateGroupMember: updateGroupMember(deps),
  removeGroupMember: removeGroupMember(deps),
  listGroupMembers: listGroupMembers(deps),
  addAccess: addAccess(deps),
  approveAccessRequest: approveAccessRequest(deps),
  getAccessRequest: getAccessRequest(deps),
  listAccessRequests: listAccessRequests(deps),
  revokeAccess: revokeAccess(deps),
  checkAccess: checkAccess(deps),
  createToken: createToken(deps),
  listTokens: listTokens(deps),
  revokeToken: revokeToken(deps),
  listNotifications: listNotifications(deps),
  ackNotification: ackNotification(deps),
});
