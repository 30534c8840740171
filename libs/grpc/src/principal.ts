// Who calls, and what they may do. Decisions about permissions in one place.
import type { Duty, Role } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { AuthenticateResponse } from '@lethe/contracts/gen/lethe/user/v1/user_service';

/** What a user may do in one group. */
export type Membership = {
  readonly groupId: string;
  readonly role: Role;
  readonly duties: readonly Duty[];
  readonly permissions: ReadonlySet<string>;
};

/** A user, by an OIDC token or a personal token. */
export type UserPrincipal = {
  readonly kind: 'user';
  readonly userId: string;
  readonly displayName: string;
  readonly superuser: boolean;
  /** Permission names, `<noun>.*`, or `*`. */
  readonly scopes: readonly string[];
  readonly tokenId: string;
  readonly memberships: ReadonlyMap<string, Membership>;
  /** Held without any group. */
  readonly permissions: ReadonlySet<string>;
  readonly authzRevision: bigint;
  readonly access: AuthenticateResponse['access'];
  /** When the credential ends, in milliseconds; undefined where it has no end. */
  readonly expireTimeMs?: number | undefined;
};

/** A service, by its own short token. */
export type ServicePrincipal = {
  readonly kind: 'service';
  readonly service: string;
  readonly onBehalfOf: string;
  readonly runId: string;
  readonly groupId: string;
};

/** Before authentication, and the system's own work. */
export type OtherPrincipal =
  { readonly kind: 'anonymous' } | { readonly kind: 'system'; readonly service: string; readonly onBehalfOf: string };

export type Principal = UserPrincipal | ServicePrincipal | OtherPrincipal;

// Rows belong to the group; a superuser sees them only with the duty.
const NOT_FOR_SUPERUSERS = new Set(['row.read']);

/** Reads the response of UserManager/Authenticate. */
export const toPrincipal = (response: AuthenticateResponse): UserPrincipal => ({
  kind: 'user',
  userId: response.user?.id ?? '',
  displayName: response.user?.displayName ?? '',
  superuser: response.user?.superuser ?? false,
  scopes: response.scopes,
  tokenId: response.tokenId,
  memberships: new Map(
    (response.access?.memberships ?? []).map(({ groupId, role, duties, permissions }) => [
      groupId,
      { groupId, role, duties, permissions: new Set(permissions) },
    ]),
  ),
  permissions: new Set(response.access?.permissions),
  authzRevision: response.access?.authzRevision ?? 0n,
  access: response.access,
  expireTimeMs: response.expireTime?.getTime(),
});

/** Whether the credential's scopes reach the permission. */
export const inScope = (scopes: readonly string[], permission: string): boolean =>
  scopes.some((scope) => scope === '*' || scope === permission || (scope.endsWith('.*') && permission.startsWith(scope.slice(0, -1))));

/** Whether the user holds the permission in that group. */
export const mayIn = (principal: Principal, permission: string, groupId: string): boolean =>
  principal.kind === 'user' &&
  ((principal.superuser && !NOT_FOR_SUPERUSERS.has(permission)) ||
    (principal.memberships.get(groupId)?.permissions.has(permission) ?? false));

/** Whether the user holds the permission in any group. */
export const mayAnywhere = (principal: Principal, permission: string): boolean =>
  principal.kind === 'user' &&
  ((principal.superuser && !NOT_FOR_SUPERUSERS.has(permission)) ||
    principal.permissions.has(permission) ||
    [...principal.memberships.values()].some((membership) => membership.permissions.has(permission)));

/** Whether what belongs to the group may be known to the caller at all. */
export const isMember = (principal: Principal, groupId: string): boolean =>
  principal.kind === 'user' && (principal.superuser || principal.memberships.has(groupId));

/** The groups that a list is limited to; undefined = no limit. */
export const groupsWith = (principal: Principal, permission: string): string[] | undefined => {
  if (principal.kind !== 'user') return undefined;
  if (principal.superuser && !NOT_FOR_SUPERUSERS.has(permission)) return undefined;
  return [...principal.memberships.values()].filter((membership) => membership.permissions.has(permission)).map(({ groupId }) => groupId);
};
