import type { PauseRequest, PauseResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { UserCall } from '@lethe/grpc/context';
import { commandRun } from '../app/command-run.ts';
import type { Deps } from '../app/deps.ts';

/** Holds a working run. */
export const pause =
  (deps: Deps) =>
  (request: PauseRequest, ctx: UserCall): Promise<PauseResponse> =>
    commandRun(deps, ctx, request, { command: 'PAUSE' });
