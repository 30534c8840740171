import type { StopRequest, StopResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { UserCall } from '@lethe/grpc/context';
import { commandRun } from '../app/command-run.ts';
import type { Deps } from '../app/deps.ts';

/** Ends a run for good. */
export const stop =
  (deps: Deps) =>
  (request: StopRequest, ctx: UserCall): Promise<StopResponse> =>
    commandRun(deps, ctx, request, { command: 'STOP', outbox: request.outbox, reason: request.reason });
