import { DataModuleVersion } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type {
  ListDataModuleVersionsRequest,
  ListDataModuleVersionsResponse,
} from '@lethe/contracts/gen/lethe/extdatamodule/v1/extdatamodule_service';
import type { CallContext } from '@lethe/grpc/context';
import { closePage, openPage } from '@lethe/grpc/page';
import { loadVisible } from '@lethe/grpc/visible';
import type { Deps } from '../app/deps.ts';
import { versionView } from '../app/views.ts';
import { findModule } from '../store/modules.ts';
import { listVersions } from '../store/versions.ts';

/** A page of a module's versions. */
export const listDataModuleVersions =
  (deps: Deps) =>
  async (request: ListDataModuleVersionsRequest, ctx: CallContext): Promise<ListDataModuleVersionsResponse> => {
    const module = await loadVisible(ctx, 'module', findModule(deps.store.db, request.moduleId));
    const page = openPage(ctx, request, /^\d{1,9}$/);
    const filter = { moduleId: module.id, withUnpublished: request.showAll, after: page.after, limit: page.limit + 1 };
    const rows = await listVersions(deps.store.db, filter);
    // Numbers of abandoned versions may occur again, so the next page starts after a place, not after a number.
    const places = new Map(rows.map((row) => [versionView(row, false), row.place]));
    const { items, nextPageToken } = closePage(page, [...places.keys()], (view) => String(places.get(view)), DataModuleVersion);
    return { versions: items, nextPageToken };
  };
