import { sql, type Kysely } from 'kysely';

/** Whether the owners of a connection demand a privacy requirement of every table that it feeds. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`alter table connections add require_privacy boolean not null default false`.execute(db);
};
