import type { ResolveUploadRequest, ResolveUploadResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { UserCall } from '@lethe/grpc/context';
import { commandRun } from '../app/command-run.ts';
import type { Deps } from '../app/deps.ts';

/** Decides on an upload of which a target cannot say whether it has the rows. */
export const resolveUpload =
  (deps: Deps) =>
  (request: ResolveUploadRequest, ctx: UserCall): Promise<ResolveUploadResponse> =>
    commandRun(deps, ctx, request, { command: 'RESOLVE', outcome: request.outcome });
