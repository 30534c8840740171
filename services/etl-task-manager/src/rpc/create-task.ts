import { Task_Kind, TaskRevision, TaskRevision_State as State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CreateTaskRequest, CreateTaskResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import { fetchModule } from '../app/compile.ts';
import type { Deps } from '../app/deps.ts';
import { auditTask, revisionView, taskView } from '../app/views.ts';

/** Makes a task for a module of its group. */
export const createTask =
  (deps: Deps) =>
  async (request: CreateTaskRequest, ctx: CallContext): Promise<CreateTaskResponse> => {
    const { groupId, displayName, description, namespace } = request;
    const module = await fetchModule(deps, ctx, request.moduleId);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const task = await tx
        .insertInto('tasks')
        .values({
          id: randomUUIDv7(),
          groupId,
          displayName,
          description,
          namespace,
          kind: Task_Kind.MODULE,
          moduleId: module.id,
          headRevision: 1,
          releasedRevision: 0,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      const empty = { snapshotHash: '', moduleDocumentHash: '', moduleDocumentRevision: 0n };
      const revision = await tx
        .insertInto('taskRevisions')
        .values({
          taskId: task.id,
          number: 1,
          state: State.DRAFT,
          configuration: Buffer.from(TaskRevision.encode(TaskRevision.decode(Buffer.alloc(0))).finish()),
          ...empty,
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return {
        response: { task: taskView(task, revisionView(revision)) },
        resource: `tasks/${task.id}`,
        groupId,
        after: auditTask(task, revision),
        revision: task.version,
      };
    });
  };
