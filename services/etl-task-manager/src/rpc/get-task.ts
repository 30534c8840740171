import { TaskRevision_State as State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { GetTaskRequest, GetTaskResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { UserCall } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { compile } from '../app/compile.ts';
import type { Deps } from '../app/deps.ts';
import { isDocumentNewer } from '../app/document-newer.ts';
import { revisionView, taskView } from '../app/views.ts';
import { findRevision, findTask } from '../store/tasks.ts';

/** A task with a revision; for a draft, what its plan would be and what is missing. */
export const getTask =
  (deps: Deps) =>
  async (request: GetTaskRequest, ctx: UserCall): Promise<GetTaskResponse> => {
    const task = await loadVisible(ctx, 'task', findTask(deps.store.db, request.taskId));
    const revision = await findRevision(deps.store.db, task.id, request.revision || task.headRevision);
    if (!revision) throw notFound('task revision');
    const documentNewer = await isDocumentNewer(deps, ctx, task);
    if (revision.state === State.RELEASED) return { task: { ...taskView(task, revisionView(revision)), documentNewer } };
    const compiled = await compile(deps, ctx, { moduleId: task.moduleId, revision: revisionView(revision), releaserId: ctx.user.userId });
    return { task: { ...taskView(task, revisionView(revision, compiled.plan), compiled.missing), documentNewer } };
  };
