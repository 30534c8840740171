import { TaskRevision, TaskRevision_State as State, type Task } from '@lethe/contracts/gen/lethe/task/v1/task';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { checkEtag } from '@lethe/grpc/etag';
import { loadVisible } from '@lethe/grpc/visible';
import { findRevision, findTask, insertDraft, lockTask, saveTask, updateDraft } from '../store/tasks.ts';
import type { Deps } from './deps.ts';
import { auditTask, revisionView, taskView } from './views.ts';

/** Changes a part of a task's configuration; a released head gets a draft after it. */
export const editTask = async (
  deps: Deps,
  ctx: CallContext,
  request: { taskId: string; etag: string; requestId: string },
  change: Partial<TaskRevision>,
): Promise<{ task: Task }> => {
  const visible = await loadVisible(ctx, 'task', findTask(deps.store.db, request.taskId));
  return mutate(deps.store, ctx, request.requestId, async (tx) => {
    const before = await lockTask(tx, visible.id);
    checkEtag(request.etag, before.version);
    const head = await findRevision(tx, before.id, before.headRevision);
    if (!head) throw new Error('a task without its head revision');
    const configuration = { ...TaskRevision.decode(head.configuration), ...change };
    const revision =
      head.state === State.DRAFT
        ? await updateDraft(tx, before.id, head.number, configuration)
        : await insertDraft(tx, before.id, head.number + 1, configuration);
    const after = await saveTask(tx, before, { headRevision: revision.number }, deps.now());
    return {
      response: { task: taskView(after, revisionView(revision)) },
      before: auditTask(before, head),
      after: auditTask(after, revision),
      revision: after.version,
    };
  });
};
