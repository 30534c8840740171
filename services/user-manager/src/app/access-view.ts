import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';
import type { Store } from '@lethe/db/open';
import type { Config } from '../config.ts';
import { permissionsOfEverybody } from '../domain/permissions.ts';
import { grantsOf, pendingOf } from '../store/access-requests.ts';
import { findAuthzRevision } from '../store/authz.ts';
import { membershipsOf } from '../store/members.ts';
import type { Tables } from '../store/tables.ts';
import { grantView, membershipView } from './views.ts';

/** What a user may do everywhere, at `now`. */
export const accessView = async (
  store: Store<Tables>,
  config: Config,
  userId: string,
  now: Date,
): Promise<NonNullable<AuthenticateResponse['access']>> => {
  // Read first: after a change in between, the rights are newer than their revision, never older.
  const authzRevision = await findAuthzRevision(store.db);
  const [memberships, grants, pending] = await Promise.all([
    membershipsOf(store.db, userId),
    grantsOf(store.db, userId, now),
    pendingOf(store.db, userId),
  ]);
  return {
    memberships: memberships.map(membershipView),
    grants: grants.map(grantView),
    pendingGrants: pending.map(grantView),
    permissions: permissionsOfEverybody(config.openGroupCreation),
    authzRevision,
  };
};
