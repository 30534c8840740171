import type { TestRowsRequest, TestRowsResponse } from '@lethe/contracts/gen/lethe/data/v1/data_service';
import type { CallContext } from '@lethe/grpc/context';
import { runOnRows } from '../app/test-rows.ts';
import type { RunDeps } from '../deps.ts';

/** Runs a script on given rows in the sandbox. */
export const testRows =
  (deps: RunDeps) =>
  (request: TestRowsRequest, ctx: CallContext): Promise<TestRowsResponse> =>
    runOnRows(deps, request, ctx.signal);
