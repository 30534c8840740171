import { sql, type Kysely } from 'kysely';

/** The last command of a run, and when it is sent again where the run's state has not taken it in. */
export const up = async (db: Kysely<never>): Promise<void> => {
  await sql
    .raw(
      `alter table runs add column command bytea, add column resend_time timestamptz, add column resend_count int not null default 0;
       create index runs_resend on runs (resend_time) where resend_time is not null;`,
    )
    .execute(db);
};
