import { sql, type Kysely } from 'kysely';

const statements = [
  `create table scripts (
    id uuid primary key, group_id uuid not null, display_name text not null, description text not null, namespace text not null, type int not null,
    language int not null, head_version int not null, released_version int not null, version int not null default 1,
    create_time timestamptz not null default now(), update_time timestamptz not null default now(), delete_time timestamptz)`,
  `create unique index scripts_display_name on scripts (group_id, display_name) where delete_time is null`,
  `create table script_versions (
    script_id uuid not null references scripts, number int not null, state int not null, content text not null, content_hash text not null,
    read_kind text not null, properties jsonb not null, parameters jsonb not null, create_time timestamptz not null default now(),
    release_time timestamptz, primary key (script_id, number))`,
  `create unique index script_versions_draft on script_versions (script_id) where state = 1`,
  // A released version never changes: only its deprecation may be written down.
  `create function refuse_released_change() returns trigger language plpgsql as $$
   begin
     if old.state <> 1 and (new.content, new.content_hash, new.properties, new.parameters, new.number) is distinct from
       (old.content, old.content_hash, old.properties, old.parameters, old.number) then
       raise exception 'a released version never changes';
     end if;
     return new;
   end $$`,
  `create trigger script_versions_frozen before update on script_versions for each row execute function refuse_released_change()`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
