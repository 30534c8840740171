import type { OptionalTime, PlatformTables, Time } from '@lethe/db/platform';
import type { ColumnType, Generated, Selectable } from 'kysely';

/** The tables of schema lethe_user. */
export type Tables = PlatformTables & {
  users: {
    id: string;
    issuer: string;
    subject: string;
    displayName: string;
    email: string;
    state: number;
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
    role: number;
    duties: number[];
    version: Generated<number>;
    createTime: Time;
    updateTime: Time;
  };
  accessRequests: {
    id: string;
    connectionId: string;
    connectionGroupId: string;
    userId: string;
    access: number;
    reason: string;
    state: number;
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
    createTime: Time;
    expireTime: ColumnType<Date, Date, Date>;
    lastUseTime: OptionalTime;
    revokeTime: OptionalTime;
  };
  notifications: {
    id: string;
    userId: string;
    kind: number;
    resource: string;
    groupId: string | null;
    text: string;
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
