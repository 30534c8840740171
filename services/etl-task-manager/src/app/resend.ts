// What is desired of a run, sent again where its state has not taken it in: an event may be set aside, or its effect undone by a restored database.
import { Execution } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { RunCommanded, RunRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { emit, event, type OutgoingEvent } from '@lethe/db/event';
import { isSettled } from '../domain/run.ts';
import { endResend, findRun, lockRun, postponeResend } from '../store/runs.ts';
import type { RunRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { ticketFor } from './ticket.ts';

const MAX_DOUBLINGS = 6;

const isReached = (run: RunRow): boolean =>
  isSettled(run.state, run.desire) || (run.execution !== null && Execution.decode(run.execution).desireRevision >= run.desireRevision);

const requestOf = (run: RunRow, plan: EffectivePlan, ticket: string): OutgoingEvent => {
  const {
    id: runId,
    taskId,
    groupId,
    moduleId,
    taskRevision,
    snapshotHash,
    baseVersion,
    startedBy,
    releasedBy,
    taskName,
    moduleName,
  } = run;
  const parameters = JSON.parse(run.parameters.toString()) as Record<string, string>;
  const ids = { runId, taskId, groupId, moduleId, taskRevision, snapshotHash, baseVersion, startedBy, releasedBy };
  return event('data', RunRequested, { spec: { ...ids, taskName, moduleName, plan, parameters, ticket } });
};

const eventsOf = (run: RunRow, plan: EffectivePlan, ticket: string): OutgoingEvent[] => [
  ...(run.execution === null ? [requestOf(run, plan, ticket)] : []),
  ...(run.command === null ? [] : [event('data', RunCommanded, { ...RunCommanded.decode(run.command), ticket })]),
];

/** Sends the request and the last command of a run again; DataManager ignores what it has taken in already. */
export const resend = async (deps: Pick<Deps, 'store' | 'config' | 'identity'>, runId: string): Promise<void> => {
  const found = await findRun(deps.store.db, runId);
  if (!found) return;
  const plan = EffectivePlan.decode(found.plan);
  const ticket = await ticketFor(deps, found, plan);
  await deps.store.transaction(async (tx) => {
    const run = await lockRun(tx, runId);
    if (!run || run.desireRevision !== found.desireRevision) return;
    if (isReached(run)) {
      await endResend(tx, runId);
      return;
    }
    await emit(tx, { events: eventsOf(run, plan, ticket), traceparent: '' });
    await postponeResend(tx, run, deps.config.resendAfterMs * 2 ** Math.min(run.resendCount + 1, MAX_DOUBLINGS));
  });
};
