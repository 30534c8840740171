import { Task_Kind, TaskRevision } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CreateTaskRequest, CreateTaskResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import type { Deps } from '../app/deps.ts';
import { fetchModule } from '../app/fetch-module.ts';
import { auditTask, revisionView, taskView } from '../app/views.ts';
import { insertDraft, insertTask } from '../store/tasks.ts';

const FIRST_REVISION = 1;

/** Makes a task for a module of its group. */
export const createTask =
  (deps: Deps) =>
  async (request: CreateTaskRequest, ctx: CallContext): Promise<CreateTaskResponse> => {
    const { groupId, displayName, description, namespace } = request;
    const module = await fetchModule(deps, ctx, request.moduleId);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const task = await insertTask(tx, {
        id: randomUUIDv7(),
        groupId,
        displayName,
        description,
        namespace,
        kind: Task_Kind.MODULE,
        moduleId: module.id,
        moduleName: module.displayName,
        headRevision: FIRST_REVISION,
        releasedRevision: 0,
      });
      const revision = await insertDraft(tx, task.id, FIRST_REVISION, TaskRevision.decode(Buffer.alloc(0)));
      return {
        response: { task: taskView(task, revisionView(revision)) },
        resource: `tasks/${task.id}`,
        groupId,
        after: auditTask(task, revision),
        revision: task.version,
      };
    });
  };
