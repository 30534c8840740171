import { sql, type Kysely } from 'kysely';

// How often a worker lost the execution in its present state.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table executions add column lost_lease_count int not null default 0').execute(db);
};
