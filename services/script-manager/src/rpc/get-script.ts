import type { GetScriptRequest, GetScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { CallContext } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { scriptView } from '../app/views.ts';
import { findScript, findVersion } from '../store/scripts.ts';

/** A script with one of its versions. */
export const getScript =
  (deps: Deps) =>
  async (request: GetScriptRequest, ctx: CallContext): Promise<GetScriptResponse> => {
    const script = await loadVisible(ctx, 'script', findScript(deps.store.db, request.scriptId));
    const version = await findVersion(deps.store.db, script.id, request.version || script.headVersion);
    if (!version) throw notFound('script version');
    return { script: scriptView(script, version) };
  };
