// Rows as messages, and the audit views of them.
import { RunErrorInfo } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { AccessRequest, type Notification, Token } from '@lethe/contracts/gen/lethe/user/v1/access';
import { Group, GroupMember, User, type Grant, type Membership } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { Queryable } from '@lethe/db/open';
import { auditView, type AuditView } from '@lethe/db/mutate';
import { etagOf } from '@lethe/grpc/etag';
import { stateAt } from '../domain/access.ts';
import { dutiesOf, permissionsOf } from '../domain/permissions.ts';
import type { AccessRequestRow, GroupRow, MemberRow, NotificationRow, Tables, TokenRow, UserRow } from '../store/tables.ts';
import { userNames } from '../store/users.ts';

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

const requestView = (row: AccessRequestRow, now: Date, names: ReadonlyMap<string, string>): AccessRequest => ({
  id: row.id,
  connectionId: row.connectionId,
  connectionName: row.connectionName,
  userId: row.userId,
  userName: names.get(row.userId) ?? '',
  access: row.access,
  reason: row.reason,
  state: stateAt(row.state, row.expireTime, now),
  deciderId: row.deciderId ?? '',
  deciderName: names.get(row.deciderId ?? '') ?? '',
  decideTime: row.decideTime ?? undefined,
  comment: row.comment,
  expireTime: row.expireTime ?? undefined,
  createTime: row.createTime,
  updateTime: row.updateTime,
});

/** Access requests with the names of the users in them. */
export const accessRequestViews = async (db: Queryable<Tables>, rows: readonly AccessRequestRow[], now: Date): Promise<AccessRequest[]> => {
  const names = await userNames(
    db,
    rows.flatMap(({ userId, deciderId }) => (deciderId === null ? [userId] : [userId, deciderId])),
  );
  return rows.map((row) => requestView(row, now, names));
};

/** An access request with the names of the users in it. */
export const accessRequestView = async (db: Queryable<Tables>, row: AccessRequestRow, now: Date): Promise<AccessRequest | undefined> =>
  (await accessRequestViews(db, [row], now))[0];

export const grantView = (row: AccessRequestRow): Grant => ({
  connectionId: row.connectionId,
  connectionName: row.connectionName,
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
  taskId: row.taskId,
  runId: row.runId,
  cause: row.cause,
  errorInfo: row.errorInfo ? RunErrorInfo.decode(row.errorInfo) : undefined,
  createTime: row.createTime,
  ackTime: row.ackTime ?? undefined,
});

export const auditUser = (row: UserRow): AuditView => auditView(User, userView(row));
export const auditGroup = (row: GroupRow): AuditView => auditView(Group, groupView(row));
export const auditMember = (row: MemberRow): AuditView => auditView(GroupMember, memberView(row, ''));
export const auditAccess = (row: AccessRequestRow): AuditView => auditView(AccessRequest, requestView(row, row.updateTime, new Map()));
export const auditToken = (row: TokenRow): AuditView => auditView(Token, tokenView(row));
