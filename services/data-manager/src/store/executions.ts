import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import type { Queryable } from '@lethe/db/open';
import { sql } from 'kysely';
import type { ExecutionRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

const WORKING = [
  RunState.QUEUED,
  RunState.EXTRACTING,
  RunState.APPLYING_RULES,
  RunState.TRANSFORMING,
  RunState.ANONYMIZING,
  RunState.STORING,
];
const TERMINAL = [RunState.UPLOADED, RunState.STOPPED, RunState.FAILED, RunState.EXPIRED];

/** An execution. */
export const findExecution = (db: Db, runId: string): Promise<ExecutionRow | undefined> =>
  db.selectFrom('executions').selectAll().where('runId', '=', runId).executeTakeFirst();

/** An execution, locked for a change. */
export const lockExecution = (db: Db, runId: string): Promise<ExecutionRow | undefined> =>
  db.selectFrom('executions').selectAll().where('runId', '=', runId).forUpdate().executeTakeFirst();

/**
 * Takes the oldest execution that wants work and that nobody holds: a new epoch, and a lease by the clock of the database. Work is wanted by a desire
 * that the state has not reached: RUN before PREPARED, UPLOAD before UPLOADED, PAUSE and STOP at once.
 */
export const claim = async (db: Db, owner: string, leaseMs: number): Promise<ExecutionRow | undefined> => {
  const { rows } = await sql<ExecutionRow>`
    update executions set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${leaseMs / 1000}), epoch = epoch + 1
    where run_id = (
      select run_id from executions
      where (lease_until is null or lease_until < now()) and (next_attempt_time is null or next_attempt_time <= now() or (desire in (${Desire.PAUSE}, ${Desire.STOP}) and not state = any(${[RunState.UPLOADING, RunState.VERIFYING]}::int[])))
        and (
          (desire = ${Desire.RUN} and state = any(${[...WORKING, RunState.PAUSED]}::int[]))
          or (desire = ${Desire.UPLOAD} and state = any(${[RunState.PREPARED, RunState.UPLOADING, RunState.VERIFYING]}::int[]) and (state <> ${RunState.PREPARED} or reached_revision < desire_revision))
          or (desire = ${Desire.PAUSE} and state = any(${WORKING}::int[]))
          or (desire = ${Desire.STOP} and not state = any(${[...TERMINAL, RunState.UPLOAD_UNKNOWN]}::int[]))
        )
      order by create_time limit 1 for update skip locked)
    returning *`.execute(db);
  return rows[0];
};

/** Holds the lease longer. False = it was lost to another worker. */
export const renewLease = async (db: Db, runId: string, epoch: bigint, leaseMs: number): Promise<boolean> => {
  const result = await db
    .updateTable('executions')
    .set({ leaseUntil: sql<Date>`now() + make_interval(secs => ${leaseMs / 1000})` })
    .where('runId', '=', runId)
    .where('epoch', '=', epoch)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
};

/** Gives the lease back. */
export const releaseLease = async (db: Db, runId: string, epoch: bigint): Promise<void> => {
  await db
    .updateTable('executions')
    .set({ leaseOwner: null, leaseUntil: null })
    .where('runId', '=', runId)
    .where('epoch', '=', epoch)
    .execute();
};

/** Writes down how far a stage is. Progress is no event: who wants it asks. */
export const saveProgress = async (db: Db, runId: string, epoch: bigint, progress: Buffer): Promise<void> => {
  await db.updateTable('executions').set({ progress }).where('runId', '=', runId).where('epoch', '=', epoch).execute();
};

/** What a worker must know while it works: the desire, and whether it still holds the execution. */
export const readDesire = (db: Db, runId: string): Promise<Pick<ExecutionRow, 'desire' | 'desireRevision' | 'epoch'> | undefined> =>
  db.selectFrom('executions').select(['desire', 'desireRevision', 'epoch']).where('runId', '=', runId).executeTakeFirst();
