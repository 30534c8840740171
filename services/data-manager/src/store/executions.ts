import { Desire, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { statesOf, TERMINAL, UPLOADING, WORKING } from '@lethe/contracts/run-state';
import type { Queryable } from '@lethe/db/open';
import { sql, type Insertable, type Updateable } from 'kysely';
import { KEPT_STATES } from '../domain/entry.ts';
import { LONE_WORKER_DEATHS, MAX_WORKER_DEATHS } from '../domain/execution.ts';
import type { ClaimedExecution, ExecutionRow, Tables } from './tables.ts';

type Db = Queryable<Tables>;

// States in which an upload waits for a person's word.
const CONFIRMABLE = statesOf('prepared', 'stopped', 'unknown');

/** Columns of an execution to be written. */
export type ExecutionUpdate = Updateable<Tables['executions']>;

/** An execution. */
export const findExecution = (db: Db, runId: string): Promise<ExecutionRow | undefined> =>
  db.selectFrom('executions').selectAll().where('runId', '=', runId).executeTakeFirst();

/** An execution, locked for a change. */
export const lockExecution = (db: Db, runId: string): Promise<ExecutionRow | undefined> =>
  db.selectFrom('executions').selectAll().where('runId', '=', runId).forUpdate().executeTakeFirst();

/** Adds an execution; undefined where the run has one. */
export const insertExecution = (db: Db, values: Insertable<Tables['executions']>): Promise<ExecutionRow | undefined> =>
  db
    .insertInto('executions')
    .values(values)
    .onConflict((conflict) => conflict.doNothing())
    .returningAll()
    .executeTakeFirst();

/** Writes columns of an execution. */
export const updateExecution = (db: Db, runId: string, set: ExecutionUpdate): Promise<ExecutionRow> =>
  db.updateTable('executions').set(set).where('runId', '=', runId).returningAll().executeTakeFirstOrThrow();

/** The state of an execution, whether a worker has it, and whether its last change is older than `ageMs`, by the clock of the database. */
export const findWork = (db: Db, runId: string, ageMs: number): Promise<{ state: RunState; isHeld: boolean; isOld: boolean } | undefined> =>
  db
    .selectFrom('executions')
    .select([
      'state',
      sql<boolean>`coalesce(lease_until > now(), false)`.as('isHeld'),
      sql<boolean>`update_time < now() - make_interval(secs => ${ageMs / 1000})`.as('isOld'),
    ])
    .where('runId', '=', runId)
    .executeTakeFirst();

/**
 * Takes the oldest execution that wants work and that nobody holds, of the group that has the fewest at work, or else was served longest ago: a new epoch, and a lease by the clock of the database. Work is wanted by a desire
 * that the state has not reached: RUN before PREPARED, UPLOAD before UPLOADED, PAUSE and STOP at once. What a stopped run has kept may still be uploaded, or
 * be deleted by another STOP.
 *
 * A lease that has run out is a worker that died, until that worker says otherwise (`countSurvivor`). An execution that killed workers before is claimed by
 * a process without other work, which then claims nothing else: its death harms no other run. One that is only to be ended waits for nobody.
 */
export const claim = async (db: Db, owner: string, leaseMs: number): Promise<ClaimedExecution | undefined> => {
  const { rows } = await sql<ClaimedExecution>`
    with found as (
      select run_id as found_id, lease_owner is not null as was_lost, worker_death_count + (lease_owner is not null)::int as deaths
      from executions
      where (lease_until is null or lease_until < now()) and (next_attempt_time is null or next_attempt_time <= now() or (desire in (${Desire.PAUSE}, ${Desire.STOP}) and not state = any(${UPLOADING}::int[])))
        and (
          (desire = ${Desire.RUN} and state = any(${[...WORKING, RunState.PAUSED]}::int[]))
          or (desire = ${Desire.UPLOAD} and state = any(${[...CONFIRMABLE, ...UPLOADING]}::int[]) and (not state = any(${CONFIRMABLE}::int[]) or reached_revision < desire_revision))
          or (desire = ${Desire.PAUSE} and state = any(${WORKING}::int[]))
          or (desire = ${Desire.STOP} and state = ${RunState.STOPPED} and reached_revision < desire_revision)
          or (desire = ${Desire.STOP} and not state = any(${[...TERMINAL, RunState.UPLOAD_UNKNOWN]}::int[]))
        )
      order by (select count(*) from executions beside where beside.group_id = executions.group_id and beside.lease_until > now()),
        (select max(beside.update_time) from executions beside where beside.group_id = executions.group_id and beside.epoch > 0) nulls first, create_time
      limit 1 for update skip locked)
    update executions set lease_owner = ${owner}, lease_until = now() + make_interval(secs => ${leaseMs / 1000}), epoch = epoch + 1,
      lost_lease_count = lost_lease_count + was_lost::int, worker_death_count = deaths
    from found where run_id = found_id and (deaths >= ${MAX_WORKER_DEATHS} or not exists (
      select from executions other where other.lease_owner = ${owner} and other.run_id <> found_id
        and greatest(deaths, other.worker_death_count) >= ${LONE_WORKER_DEATHS}))
    returning executions.*, was_lost`.execute(db);
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

/** Holds the lease for its whole time from now on, waiting for a change that is under way. False = it was lost to another worker. */
export const fenceLease = async (db: Db, runId: string, epoch: bigint, leaseMs: number): Promise<boolean> => {
  const { rows } = await sql`
    with own as (select run_id as own_id from executions where run_id = ${runId} and epoch = ${epoch} for update)
    update executions set lease_until = now() + make_interval(secs => ${leaseMs / 1000}) from own where run_id = own_id returning run_id`.execute(
    db,
  );
  return rows.length === 1;
};

/** A worker that lost its execution to another turn is alive: the execution did not kill it. */
export const countSurvivor = async (db: Db, { runId, epoch }: ExecutionRow): Promise<void> => {
  await db
    .updateTable('executions')
    .set({ workerDeathCount: sql<number>`greatest(worker_death_count - 1, 0)` })
    .where('runId', '=', runId)
    .where('epoch', '>', epoch)
    .execute();
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

/** Writes down how far a stage is. Progress is no event: readers fetch it. */
export const saveProgress = async (db: Db, runId: string, epoch: bigint, progress: Buffer): Promise<void> => {
  await db.updateTable('executions').set({ progress }).where('runId', '=', runId).where('epoch', '=', epoch).execute();
};

/** What a worker must know while it works: the desire, and whether it still holds the execution. */
export const readDesire = (db: Db, runId: string): Promise<Pick<ExecutionRow, 'desire' | 'desireRevision' | 'epoch'> | undefined> =>
  db.selectFrom('executions').select(['desire', 'desireRevision', 'epoch']).where('runId', '=', runId).executeTakeFirst();

/** The runs whose prepared data nobody works on and whose time has passed. */
export const runsToExpire = async (db: Db, before: Date): Promise<string[]> =>
  (
    await db
      .selectFrom('executions')
      .select('runId')
      .where('state', '=', RunState.PREPARED)
      .where('expireTime', '<', before)
      .where((row) => row.or([row('leaseOwner', 'is', null), row('leaseUntil', '<', sql<Date>`now()`)]))
      .execute()
  ).map(({ runId }) => runId);

/** Those of the runs that have ended and of which no entry is kept. */
export const endedWithoutEntries = async (db: Db, runIds: readonly string[]): Promise<string[]> => {
  if (runIds.length === 0) return [];
  const rows = await db
    .selectFrom('executions')
    .select('runId')
    .where('runId', 'in', runIds)
    .where('state', 'in', TERMINAL)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('entries').select('id').whereRef('entries.runId', '=', 'executions.runId').where('entries.state', 'in', KEPT_STATES),
        ),
      ),
    )
    .execute();
  return rows.map(({ runId }) => runId);
};
