import { sql, type Kysely } from 'kysely';

// The next execution is chosen by what its group has at work, and had last.
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql.raw('create index executions_by_group on executions (group_id, update_time)').execute(db);
};
