import type { TestRowsRequest, TestRowsResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { runOnRows } from '../app/test-rows.ts';
import type { RunDeps } from '../deps.ts';

/** Runs a script on given rows in the sandbox. */
export const testRows =
  (deps: RunDeps) =>
  async (request: TestRowsRequest, ctx: CallContext): Promise<TestRowsResponse> => {
    const giveBack = await deps.callSlots.take(ctx.principal.kind === 'service' ? ctx.principal.groupId : '', ctx.signal);
    try {
      return await runOnRows(deps, request, ctx.signal);
    } finally {
      giveBack();
    }
  };
