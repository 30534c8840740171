// Who may give which role.
import { Role } from '@lethe/contracts/gen/lethe/user/v1/user';

/** Whether somebody with `own` role may turn a member's role from `before` (absent = no member) into `after` (absent = removed). */
export const mayChangeRole = (own: Role, before: Role | undefined, after: Role | undefined): boolean =>
  Math.max(before ?? 0, after ?? 0) <= own && own >= Role.MAINTAINER;

/** Whether the group keeps an owner. */
export const keepsOwner = (ownerIds: readonly string[], userId: string, after: Role | undefined): boolean =>
  after === Role.OWNER || ownerIds.some((id) => id !== userId);
