import { sql, type Kysely } from 'kysely';

const statements = [
  `alter table runs add column started_by_name text not null default '', add column task_name text not null default '',
    add column module_name text not null default '', add column stop_reason text not null default ''`,
  `update runs set task_name = tasks.display_name from tasks where tasks.id = runs.task_id`,
  `alter table task_revisions add column released_by_name text not null default ''`,
];

/** Names beside ids, and the reason that was given with Stop. */
export const up = async (db: Kysely<never>): Promise<void> => {
  for (const statement of statements) await sql.raw(statement).execute(db);
};
