// The commands to a run: Pause, Resume, Stop and the confirmation of an upload.
import { Desire, Execution, RunState, UploadOutcome } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RunCommanded } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Run } from '@lethe/contracts/gen/lethe/task/v1/task';
import { OutboxDecision } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { stateName } from '@lethe/contracts/run-state';
import { event } from '@lethe/db/event';
import { mutate, replayOf } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { desireOf, isConfirmable, isLive, type Command } from '../domain/run.ts';
import { findLiveRun, findRun, keepCommand, lockRun, setDesire } from '../store/runs.ts';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { requireConnections } from './grants.ts';
import { refreshRun } from './mirror.ts';
import { requireRequirement } from './require-requirement.ts';
import { ticketFor } from './ticket.ts';
import { auditRun, runView } from './views.ts';

/** A command; for STOP what becomes of the entries of the run's Outbox and why it ends, for RESOLVE what is decided of the upload. */
type RunCommand = { command: Command; outbox?: OutboxDecision; reason?: string; outcome?: UploadOutcome };

const hasEntries = (run: RunRow): boolean =>
  (run.execution ? Execution.decode(run.execution).entryCount > 0 : false) || run.state === RunState.PREPARED;

/** Whether the time has passed for which the prepared data of a run is kept. */
const hasPassed = ({ execution }: RunRow, now: Date): boolean => {
  const expireTime = execution ? Execution.decode(execution).expireTime : undefined;
  return expireTime !== undefined && expireTime <= now;
};

/** The desire that a command makes of a run; fails where its state does not take the command. */
const requireDesire = (command: Command, run: RunRow): Desire => {
  const desire = desireOf(command, { state: run.state, hasEntries: hasEntries(run) });
  if (desire === undefined) throw fail('RUN_STATE', { state: stateName(run.state) });
  return desire;
};

/** Sets what is desired of a run and sends that to DataManager; returns before DataManager has reacted. */
export const commandRun = async (
  deps: Deps,
  ctx: UserCall,
  request: { runId: string; requestId: string },
  { command, outbox = OutboxDecision.UNSPECIFIED, reason = '', outcome = UploadOutcome.UNSPECIFIED }: RunCommand,
): Promise<{ run: Run }> => {
  const visible = await loadVisible(ctx, 'run', findRun(deps.store.db, request.runId));
  ctx.runId = visible.id;
  const replay = await replayOf(deps.store, ctx, request.requestId);
  if (replay !== undefined) return replay as { run: Run };
  // Pause and Stop are allowed whatever DataManager would report, so they do not wait for it.
  const continues = command === 'RESUME' || command === 'UPLOAD' || command === 'RESOLVE';
  if (continues) await refreshRun(deps, ctx, visible.id);
  const refreshed = continues ? await findRun(deps.store.db, visible.id) : undefined;
  // Whoever cannot give the command at all is told that first.
  if (refreshed) requireDesire(command, refreshed);
  const plan = EffectivePlan.decode(visible.plan);
  // What was not taken is given up, for which nobody needs a right to a store.
  const isGivenUp = outcome === UploadOutcome.NOT_TAKEN;
  if (continues && !isGivenUp) await requireConnections(deps, ctx, plan, visible.releasedBy);
  if (refreshed && isConfirmable(refreshed.state)) await requireRequirement(deps, ctx, visible.moduleId, plan);
  const ticket = await ticketFor(deps, visible, plan);
  return mutate(deps.store, ctx, request.requestId, async (tx) => {
    const before = await lockRun(tx, visible.id);
    if (!before) throw new Error('the run does not exist any more');
    const desire = requireDesire(command, before);
    // What is confirmed in time is kept until the confirmation has arrived; what is not may be deleted at any moment.
    if (isConfirmable(before.state) && desire === Desire.UPLOAD && hasPassed(before, deps.now()))
      throw fail('RUN_STATE', { state: stateName(RunState.EXPIRED) });
    if (desire === Desire.STOP && hasEntries(before) && outbox === OutboxDecision.UNSPECIFIED)
      throw fail('OUTBOX_DECISION_REQUIRED', { run_id: before.id });
    const live = desire === Desire.UPLOAD ? await findLiveRun(tx, before.taskId) : undefined;
    if (live && live.id !== before.id) throw fail('RUN_ALREADY_ACTIVE', { run_id: live.id });
    const after = await setDesire(tx, before, { desire, live: isLive(before.state, desire, true), stopReason: reason }, deps.now());
    const commanded: RunCommanded = {
      runId: after.id,
      desireRevision: after.desireRevision,
      desire,
      // Who decides nothing stops a run that has no rows yet: what comes into the Outbox meanwhile goes with it.
      deleteEntries: desire === Desire.STOP && outbox !== OutboxDecision.KEEP,
      ticket,
      userId: ctx.user.userId,
      uploadOutcome: outcome,
    };
    await keepCommand(tx, after.id, commanded, deps.config.resendAfterMs);
    return {
      response: { run: runView(after) },
      resource: `runs/${after.id}`,
      groupId: after.groupId,
      runId: after.id,
      before: auditRun(before),
      after: auditRun(after),
      events: [event('data', RunCommanded, commanded)],
    };
  });
};
