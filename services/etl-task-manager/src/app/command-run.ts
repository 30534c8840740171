// What Pause, Resume, Stop and the confirmation of an upload share.
import { RunCommanded } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { Desire, Execution, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { event } from '@lethe/db/event';
import { mutate } from '@lethe/db/mutate';
import { loadVisible } from '@lethe/grpc/visible';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { signTicket } from '@lethe/grpc/service-tokens';
import { desireOf, isLive, stateName, type Command } from '../domain/run.ts';
import { findLiveRun, findRun, lockRun } from '../store/runs.ts';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { checkGrants, connectionsOf } from './grants.ts';
import { refresh } from './mirror.ts';
import { auditRun, runView } from './views.ts';

/** A fresh ticket for the connections of a run, in the name of the user who released the task. */
export const ticketFor = (
  deps: Deps,
  run: Pick<RunRow, 'id' | 'groupId' | 'releasedBy' | 'snapshotHash'>,
  plan: EffectivePlan,
): Promise<string> =>
  signTicket(
    deps.identity,
    { runId: run.id, groupId: run.groupId, releasedBy: run.releasedBy, snapshotHash: run.snapshotHash, connections: connectionsOf(plan) },
    deps.config.ticketLifetimeMs,
  );

/** Refuses where the releaser may no longer use a connection. */
export const requireGrants = async (deps: Deps, ctx: UserCall, plan: EffectivePlan, releasedBy: string): Promise<void> => {
  const [first] = await checkGrants(deps, ctx, plan, releasedBy);
  if (first) throw fail('GRANT_MISSING', { connection_id: first.subject.replace('connections/', '') });
};

const hasEntries = (run: RunRow): boolean =>
  (run.execution ? Execution.decode(run.execution).entryCount > 0 : false) || (run.state as RunState) === RunState.PREPARED;

/** Asks something of a run: checks the state, writes the desire down, and sends it to DataManager. Answers at once. */
export const command = async (
  deps: Deps,
  ctx: UserCall,
  request: { runId: string; requestId: string },
  asked: { command: Command; decision?: 'KEEP' | 'DELETE' | undefined },
): Promise<{ run: Run }> => {
  const visible = await loadVisible(ctx, 'run', findRun(deps.store.db, request.runId));
  ctx.runId = visible.id;
  // Pause and Stop always win, so they do not wait for DataManager's word.
  if (asked.command === 'RESUME' || asked.command === 'UPLOAD') await refresh(deps, ctx, visible.id);
  const plan = EffectivePlan.decode(visible.plan);
  if (asked.command !== 'STOP' && asked.command !== 'PAUSE') await requireGrants(deps, ctx, plan, visible.releasedBy);
  const ticket = await ticketFor(deps, visible, plan);
  return mutate(deps.store, ctx, request.requestId, async (tx) => {
    const before = await lockRun(tx, visible.id);
    if (!before) throw new Error('a run that is gone');
    const state = before.state as RunState;
    const desire = desireOf(asked.command, state);
    if (desire === undefined) throw fail('RUN_STATE', { state: stateName(state) });
    if (desire === Desire.STOP && hasEntries(before) && asked.decision === undefined)
      throw fail('OUTBOX_DECISION_REQUIRED', { run_id: before.id });
    const live = desire === Desire.UPLOAD ? await findLiveRun(tx, before.taskId) : undefined;
    if (live && live.id !== before.id) throw fail('RUN_ALREADY_ACTIVE', { run_id: live.id });
    const desireRevision = before.desireRevision + 1n;
    const after = await tx
      .updateTable('runs')
      .set({ desire, desireRevision, live: isLive(state, desire, true), updateTime: deps.now() })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    const commanded = event('data', RunCommanded, {
      runId: after.id,
      desireRevision,
      desire,
      deleteEntries: asked.decision === 'DELETE',
      ticket,
      userId: ctx.user.userId,
    });
    return {
      response: { run: runView(after) },
      resource: `runs/${after.id}`,
      groupId: after.groupId,
      runId: after.id,
      before: auditRun(before),
      after: auditRun(after),
      events: [commanded],
    };
  });
};
