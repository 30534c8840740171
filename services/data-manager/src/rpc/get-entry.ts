import type { GetEntryRequest, GetEntryResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import { loadVisible } from '@lethe/grpc/visible';
import type { CallContext } from '@lethe/grpc/context';
import type { RunDeps } from '../deps.ts';
import { findEntry } from '../store/entries.ts';
import { entryView } from '../app/views.ts';

/** An entry. */
export const getEntry =
  (deps: RunDeps) =>
  async (request: GetEntryRequest, ctx: CallContext): Promise<GetEntryResponse> => ({
    entry: entryView(await loadVisible(ctx, 'entry', findEntry(deps.store.db, request.entryId))),
  });
