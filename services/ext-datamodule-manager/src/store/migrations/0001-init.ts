import { sql, type Kysely } from 'kysely';

const statements = [
  `create table connections (
    id uuid primary key, group_id uuid not null, display_name text not null, description text not null, namespace text not null, type text not null,
    schema_version int not null, settings jsonb not null, contract text not null, owner_ids uuid[] not null, discoverable boolean not null,
    secret_key_id text, secret_wrapped_key bytea, secret_ciphertext bytea, secret_number int not null default 0, secret_update_time timestamptz,
    version int not null default 1, create_time timestamptz not null default now(), update_time timestamptz not null default now(), delete_time timestamptz)`,
  `create unique index connections_display_name on connections (group_id, display_name) where delete_time is null`,
  `create index connections_owners on connections using gin (owner_ids)`,
  `create table data_modules (
    id uuid primary key, group_id uuid not null, display_name text not null, namespace text not null, document jsonb not null, document_revision bigint not null,
    document_hash text not null, head_version text not null, version int not null default 1, create_time timestamptz not null default now(),
    update_time timestamptz not null default now(), delete_time timestamptz)`,
  `create unique index data_modules_display_name on data_modules (group_id, display_name) where delete_time is null`,
  `create table module_versions (
    module_id uuid not null references data_modules, version text not null, place int not null, state int not null, base_version text not null, run_id uuid not null,
    upload_id text not null unique, document jsonb, document_hash text not null, tables jsonb not null, create_time timestamptz not null default now(),
    publish_time timestamptz, primary key (module_id, place))`,
  // Abandoned numbers may be taken again; live ones are unique, and one upload at a time holds a reservation.
  `create unique index module_versions_live on module_versions (module_id, version) where state <> 3`,
  `create unique index module_versions_reserved on module_versions (module_id) where state = 1`,
];

export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
