// Rows as messages, and the audit views of them.
import { AccessRequest, type Notification, Token } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Group, GroupMember, User, type Grant, type Membership } from '@lethe/contracts/gen/lethe/user/v1/user';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { etagOf } from '@lethe/grpc/etag';
import { stateAt } from '../domain/access.ts';
import { dutiesOf, permissionsOf } from '../domain/permissions.ts';
import type { AccessRequestRow, GroupRow, MemberRow, NotificationRow, TokenRow, UserRow } from '../store/tables.ts';

export const userView = (row: UserRow): User => ({
  id: row.id,
  displayName: row.displayName,
  email: row.email,
  subject: `${row.issuer}|${row.subject}`,
  state: row.state,
  superuser: row.superuser,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

export const groupView = (row: GroupRow): Group => ({
  id: row.id,
  displayName: row.displayName,
  description: row.description,
  namespace: row.namespace,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

export const memberView = (row: MemberRow, displayName: string): GroupMember => ({
  groupId: row.groupId,
  userId: row.userId,
  role: row.role,
  duties: row.duties,
  displayName,
  createTime: row.createTime,
  updateTime: row.updateTime,
  etag: etagOf(row.version),
});

export const membershipView = (row: MemberRow & { groupDisplayName: string }): Membership => ({
  groupId: row.groupId,
  groupDisplayName: row.groupDisplayName,
  role: row.role,
  duties: dutiesOf(row.role, row.duties),
  permissions: permissionsOf(row.role, row.duties),
});

export const accessRequestView = (row: AccessRequestRow, now: Date): AccessRequest => ({
  id: row.id,
  connectionId: row.connectionId,
  userId: row.userId,
  access: row.access,
  reason: row.reason,
  state: stateAt(row.state, row.expireTime, now),
  deciderId: row.deciderId ?? '',
  decideTime: row.decideTime ?? undefined,
  comment: row.comment,
  expireTime: row.expireTime ?? undefined,
  createTime: row.createTime,
  updateTime: row.updateTime,
});

export const grantView = (row: AccessRequestRow): Grant => ({
  connectionId: row.connectionId,
  access: row.access,
  accessRequestId: row.id,
  expireTime: row.expireTime ?? undefined,
});

export const tokenView = (row: TokenRow): Token => ({
  id: row.id,
  userId: row.userId,
  displayName: row.displayName,
  scopes: row.scopes,
  createTime: row.createTime,
  expireTime: row.expireTime,
  lastUseTime: row.lastUseTime ?? undefined,
  revokeTime: row.revokeTime ?? undefined,
});

export const notificationView = (row: NotificationRow): Notification => ({
  id: row.id,
  kind: row.kind,
  resource: row.resource,
  groupId: row.groupId ?? '',
  text: row.text,
  createTime: row.createTime,
  ackTime: row.ackTime ?? undefined,
});

export const auditUser = (row: UserRow): AuditView => auditView(User, userView(row));
export const auditGroup = (row: GroupRow): AuditView => auditView(Group, groupView(row));
export const auditMember = (row: MemberRow): AuditView => auditView(GroupMember, memberView(row, ''));
export const auditAccess = (row: AccessRequestRow): AuditView => auditView(AccessRequest, accessRequestView(row, row.updateTime));
export const auditToken = (row: TokenRow): AuditView => auditView(Token, tokenView(row));
