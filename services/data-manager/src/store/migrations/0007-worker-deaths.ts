import { sql, type Kysely } from 'kysely';

// How many workers in a row did not survive the present state of the execution.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('alter table executions add column worker_death_count int not null default 0').execute(db);
};
