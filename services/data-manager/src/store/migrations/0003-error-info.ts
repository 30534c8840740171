import { sql, type Kysely } from 'kysely';

// Why the run could not go on, for programs.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table executions add column error_info bytea').execute(db);
};
