import { sql, type Kysely } from 'kysely';

// What a person decided of an upload that cannot be told.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table executions add column upload_outcome int not null default 0').execute(db);
};
