import { sql, type Kysely } from 'kysely';

/** The name of a task's module beside its id. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw(`alter table tasks add column module_name text not null default ''`).execute(db);
};
