// What the five updates of a task share: the draft that is changed, or made after a released head.
import { TaskRevision, TaskRevision_State as State, type Task } from '@lethe/contracts/gen/lethe/task/v1/task';
import { checkEtag } from '@lethe/grpc/etag';
import { mutate } from '@lethe/db/mutate';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import type { Transaction } from 'kysely';
import { findRevision, findTask, lockTask } from '../store/tasks.ts';
import type { RevisionRow, Tables, TaskRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { auditTask, revisionView, taskView } from './views.ts';

const saveDraft = async (tx: Transaction<Tables>, task: TaskRow, head: RevisionRow, configuration: Buffer): Promise<RevisionRow> => {
  if (head.state === State.DRAFT) {
    return tx
      .updateTable('taskRevisions')
      .set({ configuration })
      .where('taskId', '=', task.id)
      .where('number', '=', head.number)
      .returningAll()
      .executeTakeFirstOrThrow();
  }
  return tx
    .insertInto('taskRevisions')
    .values({
      taskId: task.id,
      number: head.number + 1,
      state: State.DRAFT,
      configuration,
      snapshotHash: '',
      moduleDocumentHash: '',
      moduleDocumentRevision: 0n,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
};

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
    const configuration = Buffer.from(TaskRevision.encode({ ...TaskRevision.decode(head.configuration), ...change }).finish());
    const revision = await saveDraft(tx, before, head, configuration);
    const after = await tx
      .updateTable('tasks')
      .set({ headRevision: revision.number, version: before.version + 1, updateTime: deps.now() })
      .where('id', '=', before.id)
      .returningAll()
      .executeTakeFirstOrThrow();
    return {
      response: { task: taskView(after, revisionView(revision)) },
      before: auditTask(before, head),
      after: auditTask(after, revision),
      revision: after.version,
    };
  });
};
