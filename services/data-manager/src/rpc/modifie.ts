import type { ModifieRequest, ModifieResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { ExecutionSpec, RunState } from '@lethe/contracts/gen/lethe/data/v1/execution';
import { stateName } from '@lethe/contracts/run-state';
import { checkEtag } from '@lethe/grpc/etag';
import { mutate, replayOf } from '@lethe/db/mutate';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import { auditEntry, entryView } from '../app/views.ts';
import type { RunDeps } from '../deps.ts';
import { EDITABLE_STATES } from '../domain/entry.ts';
import { hasReviewableData } from '../domain/execution.ts';
import { editedColumns, measureEdits } from '../outbox/modify.ts';
import { findEntry, lockEntry, saveEdits, updateEntry } from '../store/entries.ts';
import { findExecution } from '../store/executions.ts';

/** Edits rows of an entry, all or nothing; with `validate_only` it says what would come of it. */
export const modifie =
  (deps: RunDeps) =>
  async (request: ModifieRequest, ctx: CallContext): Promise<ModifieResponse> => {
    const entry = await loadVisible(ctx, 'entry', findEntry(deps.store.db, request.entryId));
    ctx.runId = entry.runId;
    const replay = await replayOf(deps.store, ctx, request.requestId);
    if (replay !== undefined) return replay as ModifieResponse;
    checkEtag(request.etag, entry.version);
    const execution = await findExecution(deps.store.db, entry.runId);
    if (!EDITABLE_STATES.includes(entry.state) || !execution || !hasReviewableData(execution.state))
      throw fail('ENTRY_STATE', { state: stateName(execution?.state ?? RunState.UNSPECIFIED) });
    const measured = await measureEdits(deps, { entry, request, spec: ExecutionSpec.decode(execution.spec), signal: ctx.signal });
    if (request.validateOnly) return { entry: entryView({ ...entry, ...editedColumns(entry, measured) }), after: measured.privacy };
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockEntry(tx, entry.id);
      // The edits were measured on this version; another one in between means another result.
      if (before.version !== entry.version) throw fail('ETAG_MISMATCH', {});
      if (!EDITABLE_STATES.includes(before.state)) throw fail('ENTRY_STATE', { state: 'UPLOADING' });
      const edits = [...measured.plan.edited].map(([rowId, cells]) => ({ rowId, cells }));
      await saveEdits(tx, entry.id, edits);
      const after = await updateEntry(tx, entry.id, { ...editedColumns(before, measured), updateTime: deps.now() });
      return {
        response: { entry: entryView(after), after: measured.privacy },
        runId: entry.runId,
        before: auditEntry(before),
        after: auditEntry(after),
        revision: after.version,
      };
    });
  };
