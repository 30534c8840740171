import type { GetDataModuleRequest, GetDataModuleResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { moduleView } from '../app/views.ts';
import { findModule } from '../store/modules.ts';

/** A data module with its source document. */
export const getDataModule =
  (deps: Deps) =>
  async (request: GetDataModuleRequest, ctx: CallContext): Promise<GetDataModuleResponse> => ({
    dataModule: moduleView(await loadVisible(ctx, 'module', findModule(deps.store.db, request.moduleId))),
  });
