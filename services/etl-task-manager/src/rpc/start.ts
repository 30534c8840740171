import { RunRequested } from '@lethe/contracts/gen/lethe/event/v1/facts';
import type { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { StartRequest, StartResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { event } from '@lethe/db/event';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { fail, invalidField } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { parseDocument } from '@lethe/module/document';
import { randomUUIDv7 } from 'node:crypto';
import { commandRun } from '../app/command-run.ts';
import type { Deps } from '../app/deps.ts';
import { fetchModule } from '../app/fetch-module.ts';
import { requireConnections } from '../app/grants.ts';
import { findSuperseded } from '../app/superseded.ts';
import { ticketFor } from '../app/ticket.ts';
import { auditRun, runView } from '../app/views.ts';
import { overrideParameters } from '../domain/bindings.ts';
import { findLiveRun, insertRun, keepCommand } from '../store/runs.ts';
import type { RevisionRow, TaskRow } from '../store/tables.ts';
import { findRevision, findTask, lockTask } from '../store/tasks.ts';

const bindingsOf = (plan: EffectivePlan) => [
  ...plan.sources.flatMap(({ collect }) => (collect?.$case === 'script' ? [collect.value] : [])),
  ...plan.transforms.flatMap(({ binding }) => (binding ? [binding] : [])),
];

const planOfRun = (revision: RevisionRow, parameters: Record<string, string>): EffectivePlan => {
  const plan = EffectivePlan.decode(revision.plan ?? Buffer.alloc(0));
  const { unknown, ofOtherType } = overrideParameters({ bindings: bindingsOf(plan), scripts: plan.scripts }, parameters);
  if (unknown.length > 0) throw fail('PARAMETER_UNKNOWN', { parameters: unknown.join(', ') });
  if (ofOtherType.length > 0)
    throw invalidField('parameters', 'PARAMETER_TYPE', `not of the type that the script declares: ${ofOtherType.join(', ')}`);
  return plan;
};

type Prepared = {
  runId: string;
  plan: EffectivePlan;
  ticket: string;
  module: DataModule;
  releasedBy: string;
  revision: RevisionRow;
};

const prepare = async (deps: Deps, ctx: UserCall, task: TaskRow, request: StartRequest): Promise<Prepared> => {
  const revision = task.releasedRevision > 0 ? await findRevision(deps.store.db, task.id, task.releasedRevision) : undefined;
  if (!revision) throw fail('NOT_RELEASED');
  const plan = planOfRun(revision, request.parameters);
  const releasedBy = revision.releasedBy ?? '';
  await requireConnections(deps, ctx, plan, releasedBy);
  const module = await fetchModule(deps, ctx, task.moduleId);
  const parsed = await parseDocument(module.document ?? {});
  const superseded = 'module' in parsed ? await findSuperseded(deps, ctx, parsed.module) : undefined;
  if (superseded !== undefined) throw fail('VERSION_SUPERSEDED', { version: superseded });
  const runId = randomUUIDv7();
  const ticket = await ticketFor(deps, { id: runId, groupId: task.groupId, releasedBy, snapshotHash: revision.snapshotHash }, plan);
  return { runId, plan, ticket, module, releasedBy, revision };
};

const startTask = async (deps: Deps, ctx: UserCall, taskId: string, request: StartRequest): Promise<StartResponse> => {
  const task = await loadVisible(ctx, 'task', findTask(deps.store.db, taskId));
  const { runId, plan, ticket, module, releasedBy, revision } = await prepare(deps, ctx, task, request);
  const { userId: startedBy, displayName: startedByName } = ctx.user;
  return mutate(deps.store, ctx, request.requestId, async (tx) => {
    await lockTask(tx, task.id);
    const live = await findLiveRun(tx, task.id);
    if (live) throw fail('RUN_ALREADY_ACTIVE', { run_id: live.id });
    const { moduleId, groupId } = task;
    const { number: taskRevision, snapshotHash } = revision;
    const { parameters } = request;
    const baseVersion = module.headVersion;
    const spec = { taskId: task.id, groupId, moduleId, taskRevision, snapshotHash, baseVersion, startedBy, releasedBy, plan, parameters };
    const names = { taskName: task.displayName, moduleName: module.displayName };
    const run = await insertRun(tx, { ...spec, ...names, startedByName, id: runId });
    await keepCommand(tx, runId, undefined, deps.config.resendAfterMs);
    const requested = event('data', RunRequested, { spec: { ...spec, ...names, runId, ticket } });
    return {
      response: { run: runView(run) },
      resource: `runs/${runId}`,
      groupId,
      runId,
      after: auditRun(run),
      events: [requested],
    };
  });
};

/** Makes a run of a task, or confirms the upload of a prepared run. */
export const start =
  (deps: Deps) =>
  async (request: StartRequest, ctx: UserCall): Promise<StartResponse> => {
    if (request.target?.$case === 'runId') {
      if (Object.keys(request.parameters).length > 0)
        throw invalidField('parameters', 'PARAMETER_UNKNOWN', 'a run has its parameters already');
      return commandRun(deps, ctx, { runId: request.target.value, requestId: request.requestId }, { command: 'UPLOAD' });
    }
    return startTask(deps, ctx, request.target?.value ?? '', request);
  };
