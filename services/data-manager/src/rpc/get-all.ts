import { Entry } from '@lethe/contracts/gen/lethe/data/v1/entry';
import type { GetAllRequest, GetAllResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { closePage, openPage } from '@lethe/grpc/page';
import type { CallContext } from '@lethe/grpc/context';
import { groupsWith } from '@lethe/grpc/principal';
import type { RunDeps } from '../deps.ts';
import { listEntries } from '../store/entries.ts';
import { entryView } from '../app/views.ts';

/** A page of the Outbox entries of the caller's groups. */
export const getAll =
  (deps: RunDeps) =>
  async (request: GetAllRequest, ctx: CallContext): Promise<GetAllResponse> => {
    const page = openPage(ctx, request);
    const rows = await listEntries(deps.store.db, {
      ...request,
      groupIds: groupsWith(ctx.principal, 'entry.list'),
      after: page.after,
      limit: page.limit + 1,
    });
    const { items, nextPageToken } = closePage(page, rows.map(entryView), ({ id }) => id, Entry);
    return { entries: items, nextPageToken };
  };
