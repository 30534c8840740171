import { TaskRevision_State as State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { ReleaseRequest, ReleaseResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { planHash } from '@lethe/module/effective-plan';
import { compile } from '../app/compile.ts';
import type { Deps } from '../app/deps.ts';
import { auditTask, revisionView, taskView } from '../app/views.ts';
import { findRevision, findTask, lockTask, markReleased, saveTask } from '../store/tasks.ts';

/** Pins everything that the draft refers to, and freezes it. */
export const release =
  (deps: Deps) =>
  async (request: ReleaseRequest, ctx: UserCall): Promise<ReleaseResponse> => {
    const task = await loadVisible(ctx, 'task', findTask(deps.store.db, request.taskId));
    const releasedBy = ctx.user.userId;
    const draft = await findRevision(deps.store.db, task.id, task.headRevision);
    // A repeated request finds the draft released; `mutate` returns the stored response for it.
    const compiled =
      draft?.state === State.DRAFT
        ? await compile(deps, ctx, { moduleId: task.moduleId, revision: revisionView(draft), releaserId: releasedBy })
        : undefined;
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockTask(tx, task.id);
      if (!draft || !compiled) throw fail('NO_DRAFT');
      if (compiled.missing.length > 0)
        throw fail('RELEASE_INCOMPLETE', { missing_count: String(compiled.missing.length) }, { preconditions: compiled.missing });
      if (before.version !== task.version) throw fail('CONFLICT');
      const revision = await markReleased(tx, draft, {
        plan: compiled.plan,
        snapshotHash: planHash(compiled.plan),
        moduleDocumentHash: compiled.module.documentHash,
        moduleDocumentRevision: compiled.module.documentRevision,
        releasedBy,
        releaseTime: deps.now(),
      });
      const after = await saveTask(tx, before, { releasedRevision: revision.number }, deps.now());
      return {
        response: { task: taskView(after, revisionView(revision)) },
        before: auditTask(before, draft),
        after: auditTask(after, revision),
        revision: after.version,
      };
    });
  };
