import { sql, type Kysely } from 'kysely';

const statements = [
  `create table audit_logs (
    id uuid primary key, source text not null, source_seq bigint not null, bytes bytea not null, leaf_hash bytea not null, time timestamptz not null,
    actor_id text not null, on_behalf_of text not null, action text not null, resource text not null, group_id uuid, run_id uuid, outcome int not null,
    search_text text not null, store_time timestamptz not null default now(), unique (source, source_seq))`,
  `create index audit_logs_actor on audit_logs (actor_id, id desc)`,
  `create index audit_logs_group on audit_logs (group_id, id desc)`,
  `create index audit_logs_run on audit_logs (run_id, id desc) where run_id is not null`,
  `create index audit_logs_resource on audit_logs (resource, id desc)`,
  `create function refuse_change() returns trigger language plpgsql as $$ begin raise exception 'the audit log is append only'; end $$`,
  `create trigger audit_logs_append_only before update or delete or truncate on audit_logs for each statement execute function refuse_change()`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
