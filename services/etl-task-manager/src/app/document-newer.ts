import type { CallContext } from '@lethe/grpc/context';
import { findRevision } from '../store/tasks.ts';
import type { RevisionRow, TaskRow } from '../store/tables.ts';
import type { Deps } from './deps.ts';
import { fetchModule } from './fetch-module.ts';

/** Whether the document of a task's module is another than the one of a revision, by default the last released. */
export const isDocumentNewer = async (deps: Deps, ctx: CallContext, task: TaskRow, revision?: RevisionRow): Promise<boolean> => {
  if (task.releasedRevision === 0) return false;
  const released = revision ?? (await findRevision(deps.store.db, task.id, task.releasedRevision));
  if (!released) return false;
  const { documentHash } = await fetchModule(deps, ctx, task.moduleId);
  return documentHash !== released.moduleDocumentHash;
};
