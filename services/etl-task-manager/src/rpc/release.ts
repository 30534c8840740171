import { TaskRevision, TaskRevision_State as State } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { ReleaseRequest, ReleaseResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import { mutate } from '@lethe/db/mutate';
import type { UserCall } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import { planHash } from '@lethe/module/effective-plan';
import { compile, type Compiled } from '../app/compile.ts';
import { isDocumentNewer } from '../app/document-newer.ts';
import type { Deps } from '../app/deps.ts';
import { auditTask, revisionView, taskView } from '../app/views.ts';
import type { RevisionRow, TaskRow } from '../store/tables.ts';
import { findRevision, findTask, insertDraft, lockTask, markReleased, saveTask } from '../store/tasks.ts';

/** The revision that a release would freeze: the draft, or a new one where the document of the module has changed since the last release. */
type Candidate = { head: RevisionRow; compiled: Compiled };

const findCandidate = async (deps: Deps, ctx: UserCall, task: TaskRow): Promise<Candidate | undefined> => {
  const head = await findRevision(deps.store.db, task.id, task.headRevision);
  if (!head) return undefined;
  if (head.state !== State.DRAFT && !(await isDocumentNewer(deps, ctx, task, head))) return undefined;
  return {
    head,
    compiled: await compile(deps, ctx, { moduleId: task.moduleId, revision: revisionView(head), releaserId: ctx.user.userId }),
  };
};

/** Pins everything that the draft refers to, and freezes it. */
export const release =
  (deps: Deps) =>
  async (request: ReleaseRequest, ctx: UserCall): Promise<ReleaseResponse> => {
    const task = await loadVisible(ctx, 'task', findTask(deps.store.db, request.taskId));
    const { userId: releasedBy, displayName: releasedByName } = ctx.user;
    // A repeated request finds the draft released; `mutate` returns the stored response for it.
    const candidate = await findCandidate(deps, ctx, task);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockTask(tx, task.id);
      if (!candidate) throw fail('NO_DRAFT');
      const { head, compiled } = candidate;
      if (compiled.missing.length > 0)
        throw fail('RELEASE_INCOMPLETE', { missing_count: String(compiled.missing.length) }, { preconditions: compiled.missing });
      if (before.version !== task.version) throw fail('CONFLICT');
      const draft =
        head.state === State.DRAFT ? head : await insertDraft(tx, task.id, head.number + 1, TaskRevision.decode(head.configuration));
      const revision = await markReleased(tx, draft, {
        plan: compiled.plan,
        snapshotHash: planHash(compiled.plan),
        moduleDocumentHash: compiled.module.documentHash,
        moduleDocumentRevision: compiled.module.documentRevision,
        releasedBy,
        releasedByName,
        releaseTime: deps.now(),
      });
      const changes = { headRevision: revision.number, releasedRevision: revision.number, moduleName: compiled.module.displayName };
      const after = await saveTask(tx, before, changes, deps.now());
      return {
        response: { task: taskView(after, revisionView(revision)) },
        before: auditTask(before, head),
        after: auditTask(after, revision),
        revision: after.version,
      };
    });
  };
