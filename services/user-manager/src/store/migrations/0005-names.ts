import { sql, type Kysely } from 'kysely';

const statements = [
  `alter table notifications add column task_id text not null default '', add column run_id text not null default '',
    add column cause text not null default '', add column error_info bytea`,
  `alter table access_requests add column connection_name text not null default ''`,
];

/** What a notification is about and why, and the connection's name beside its id. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
