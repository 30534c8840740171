import { ScriptVersion_State as State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { ReleaseScriptRequest, ReleaseScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { fail, notFound } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { auditScript, scriptView } from '../app/views.ts';
import { findScript, findVersion, lockScript, markReleased, saveScript } from '../store/scripts.ts';

/** Freezes the draft. */
export const releaseScript =
  (deps: Deps) =>
  async (request: ReleaseScriptRequest, ctx: CallContext): Promise<ReleaseScriptResponse> => {
    const visible = await loadVisible(ctx, 'script', findScript(deps.store.db, request.scriptId));
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockScript(tx, visible.id);
      const draft = await findVersion(tx, before.id, request.version);
      if (!draft) throw notFound('script version');
      if (draft.state !== State.DRAFT) throw fail('NOT_A_DRAFT', { version: String(draft.number) });
      const version = await markReleased(tx, draft, deps.now());
      const after = await saveScript(tx, before, { releasedVersion: version.number }, deps.now());
      return {
        response: { script: scriptView(after, version) },
        before: auditScript(before, draft),
        after: auditScript(after, version),
        revision: after.version,
      };
    });
  };
