import type {
  GetDataModuleVersionRequest,
  GetDataModuleVersionResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { notFound } from '@lethe/grpc/errors';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { versionView } from '../app/views.ts';
import { findModule } from '../store/modules.ts';
import { findVersion } from '../store/versions.ts';

/** A published version with its document. */
export const getDataModuleVersion =
  (deps: Deps) =>
  async (request: GetDataModuleVersionRequest, ctx: CallContext): Promise<GetDataModuleVersionResponse> => {
    const module = await loadVisible(ctx, 'module', findModule(deps.store.db, request.moduleId));
    const version = await findVersion(deps.store.db, module.id, request.version);
    if (!version) throw notFound('module version');
    return { version: versionView(version) };
  };
