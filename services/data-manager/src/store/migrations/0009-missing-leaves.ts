import { sql, type Kysely } from 'kysely';

// Values that a hierarchy does not have, for who may read rows.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql
    .raw(
      `create table missing_leaves (
         id bigint generated always as identity primary key,
         run_id uuid not null references executions (run_id) on delete cascade,
         table_name text not null,
         column_name text not null,
         value text not null,
         row_count bigint not null,
         create_time timestamptz not null
       )`,
    )
    .execute(db);
  await sql.raw('create index missing_leaves_by_run on missing_leaves (run_id, id)').execute(db);
  await sql.raw('create index missing_leaves_by_time on missing_leaves (create_time)').execute(db);
};
