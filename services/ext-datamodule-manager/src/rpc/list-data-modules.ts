import { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { ListDataModulesRequest, ListDataModulesResponse } from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { groupsWith } from '@lethe/grpc/principal';
import type { Deps } from '../app/deps.ts';
import { moduleView } from '../app/views.ts';
import { listModules } from '../store/modules.ts';

/** A page of the modules of the caller's groups. */
export const listDataModules =
  (deps: Deps) =>
  async (request: ListDataModulesRequest, ctx: CallContext): Promise<ListDataModulesResponse> => {
    const page = openPage(ctx, request);
    const rows = await listModules(deps.store.db, {
      ...request,
      groupIds: groupsWith(ctx.principal, 'module.list'),
      after: page.after,
      limit: page.limit + 1,
    });
    const views = rows.map((row) => moduleView(row, false));
    const { items, nextPageToken } = closePage(page, views, ({ id }) => id, DataModule);
    return { dataModules: items, nextPageToken };
  };
