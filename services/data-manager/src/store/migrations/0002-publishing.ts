import { sql, type Kysely } from 'kysely';

// Whether a target may have taken the upload in.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table executions add column publishing boolean not null default false').execute(db);
};
