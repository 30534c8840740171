import { sql, type Kysely } from 'kysely';

/** Names beside the ids of an entry. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql
    .raw(`alter table entries add column module_name text not null default '', add column task_name text not null default ''`)
    .execute(db);
};
