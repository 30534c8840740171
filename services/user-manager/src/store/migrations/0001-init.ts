import { sql, type Kysely } from 'kysely';

const statements = [
  `create table users (
    id uuid primary key, issuer text not null, subject text not null, display_name text not null, email text not null, state int not null,
    superuser boolean not null, version int not null default 1, create_time timestamptz not null default now(), update_time timestamptz not null default now(),
    unique (issuer, subject))`,
  `create table groups (
    id uuid primary key, display_name text not null, description text not null, namespace text not null, version int not null default 1,
    create_time timestamptz not null default now(), update_time timestamptz not null default now(), delete_time timestamptz)`,
  `create unique index groups_display_name on groups (display_name) where delete_time is null`,
  `create table members (
    group_id uuid not null references groups, user_id uuid not null references users, role int not null, duties int[] not null, version int not null default 1,
    create_time timestamptz not null default now(), update_time timestamptz not null default now(), primary key (group_id, user_id))`,
  `create index members_user on members (user_id)`,
  `create table access_requests (
    id uuid primary key, connection_id uuid not null, connection_group_id uuid not null, user_id uuid not null references users, access int not null,
    reason text not null, state int not null, decider_id uuid references users, decide_time timestamptz, comment text not null, expire_time timestamptz,
    create_time timestamptz not null default now(), update_time timestamptz not null default now())`,
  `create unique index access_requests_live on access_requests (connection_id, user_id, access) where state in (1, 2)`,
  `create index access_requests_user on access_requests (user_id, id)`,
  `create index access_requests_connection on access_requests (connection_id, id)`,
  `create table tokens (
    id uuid primary key, user_id uuid not null references users, display_name text not null, scopes text[] not null, hash bytea not null unique,
    create_time timestamptz not null default now(), expire_time timestamptz not null, last_use_time timestamptz, revoke_time timestamptz)`,
  `create index tokens_user on tokens (user_id, id)`,
  `create table notifications (
    id uuid primary key, user_id uuid not null references users, kind int not null, resource text not null, group_id uuid, text text not null,
    create_time timestamptz not null default now(), ack_time timestamptz)`,
  `create index notifications_user on notifications (user_id, id desc)`,
  `create table authz (singleton boolean primary key default true check (singleton), revision bigint not null)`,
  `insert into authz (revision) values (1)`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
