import { sql, type Kysely } from 'kysely';

const statements = [
  `create table tasks (
    id uuid primary key, group_id uuid not null, display_name text not null, description text not null, namespace text not null, kind int not null,
    module_id uuid not null, head_revision int not null, released_revision int not null, version int not null default 1,
    create_time timestamptz not null default now(), update_time timestamptz not null default now(), delete_time timestamptz)`,
  `create unique index tasks_display_name on tasks (group_id, display_name) where delete_time is null`,
  `create table task_revisions (
    task_id uuid not null references tasks, number int not null, state int not null, configuration bytea not null, plan bytea, snapshot_hash text not null,
    module_document_hash text not null, module_document_revision bigint not null, released_by uuid, release_time timestamptz, primary key (task_id, number))`,
  `create unique index task_revisions_draft on task_revisions (task_id) where state = 1`,
  `create table runs (
    id uuid primary key, task_id uuid not null references tasks, group_id uuid not null, module_id uuid not null, task_revision int not null, state int not null,
    desire int not null, desire_revision bigint not null, live boolean not null, execution bytea, execution_revision bigint not null, plan bytea not null,
    snapshot_hash text not null, base_version text not null, parameters bytea not null, started_by uuid not null, released_by uuid not null,
    expiry_noticed boolean not null default false, create_time timestamptz not null default now(), update_time timestamptz not null default now(), end_time timestamptz)`,
  // One live run a task, whoever starts it.
  `create unique index runs_live on runs (task_id) where live`,
  `create index runs_task on runs (task_id, id desc)`,
  `create index runs_group on runs (group_id, id desc)`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
