import type { AccessRequest_State, Notification_Kind } from '@lethe/contracts/gen/lethe/user/v1/access';
import type { Access, Duty, Role, User_State } from '@lethe/contracts/gen/lethe/user/v1/user';
import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable, Transaction } from 'kysely';

/** The tables of schema lethe_user. */
export type Tables = PlatformTables & {
  users: {
    id: string;
    issuer: string;
    subject: string;
    displayName: string;
    email: string;
    state: User_State;
    superuser: boolean;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
  };
  groups: {
    id: string;
    displayName: string;
    description: string;
    namespace: string;
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
    deleteTime: OptionalTime;
  };
  members: {
    groupId: string;
    userId: string;
    role: Role;
    duties: Duty[];
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
  };
  accessRequests: {
    id: string;
    connectionId: string;
    connectionGroupId: string;
    /** As it was when the access was asked for. */
    connectionName: Generated<string>;
    userId: string;
    access: Access;
    reason: string;
    state: AccessRequest_State;
    deciderId: string | null;
    decideTime: OptionalTime;
    comment: string;
    expireTime: OptionalTime;
    createTime: Time;
    updateTime: Time;
  };
  tokens: {
    id: string;
    userId: string;
    displayName: string;
    scopes: string[];
    hash: Buffer;
    /** The token whose bearer made it. */
    parentId: string | null;
    createTime: Time;
    expireTime: ColumnType<Date, Date, Date>;
    lastUseTime: OptionalTime;
    revokeTime: OptionalTime;
  };
  notifications: {
    id: string;
    userId: string;
    kind: Notification_Kind;
    resource: string;
    groupId: string | null;
    text: string;
    taskId: Generated<string>;
    runId: Generated<string>;
    cause: Generated<string>;
    /** A RunErrorInfo. */
    errorInfo: Buffer | null;
    createTime: Time;
    ackTime: OptionalTime;
  };
  authz: { singleton: boolean; revision: bigint };
};

export type UserRow = Selectable<Tables['users']>;
export type GroupRow = Selectable<Tables['groups']>;
export type MemberRow = Selectable<Tables['members']>;
export type AccessRequestRow = Selectable<Tables['accessRequests']>;
export type TokenRow = Selectable<Tables['tokens']>;
export type NotificationRow = Selectable<Tables['notifications']>;

/** A transaction on these tables. */
export type Tx = Transaction<Tables>;
