import { sql, type Kysely } from 'kysely';

/** A token made with a token: it ends when its parent does. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql`alter table tokens add parent_id uuid references tokens (id)`.execute(db);
  await sql`create index tokens_parent on tokens (parent_id) where parent_id is not null`.execute(db);
};
