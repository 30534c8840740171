import { sql, type Kysely } from 'kysely';

const statements = [
  `create table executions (
    run_id uuid primary key, task_id uuid not null, group_id uuid not null, module_id uuid not null, spec bytea not null, ticket text not null, started_by text not null, state int not null,
    desire int not null, desire_revision bigint not null, reached_revision bigint not null, revision bigint not null, resume_state int not null,
    waiting_for text not null, refusal text not null, error text not null, attempt int not null, next_attempt_time timestamptz, report bytea, progress bytea,
    lease_owner uuid, lease_until timestamptz, epoch bigint not null, seed_key_id text not null, seed_wrapped bytea not null, delete_entries boolean not null,
    upload_generation int not null, published_version text not null, prepare_time timestamptz, expire_time timestamptz,
    create_time timestamptz not null default now(), update_time timestamptz not null default now(), end_time timestamptz)`,
  `create index executions_due on executions (state, next_attempt_time)`,
  `create table entries (
    id uuid primary key, run_id uuid not null references executions, "table" text not null, group_id uuid not null, module_id uuid not null, task_id uuid not null,
    state int not null, version int not null default 1, columns bytea not null, segments jsonb not null, row_count bigint not null, edited_row_count bigint not null,
    size_bytes bigint not null, content_hash text not null, schema_hash text not null, privacy bytea not null, next_row_id bigint not null,
    expire_time timestamptz not null, create_time timestamptz not null default now(), update_time timestamptz not null default now(), unique (run_id, "table"))`,
  `create index entries_group on entries (group_id, id)`,
  `create table edits (entry_id uuid not null references entries, row_id bigint not null, cells jsonb, primary key (entry_id, row_id))`,
  `create table module_keys (module_id uuid primary key, key_id text not null, wrapped bytea not null, create_time timestamptz not null default now())`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
