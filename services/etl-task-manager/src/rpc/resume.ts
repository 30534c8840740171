import type { ResumeRequest, ResumeResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { UserCall } from '@lethe/grpc/context';
import { commandRun } from '../app/command-run.ts';
import type { Deps } from '../app/deps.ts';

/** Continues a paused run, or confirms the upload of a prepared one. */
export const resume =
  (deps: Deps) =>
  (request: ResumeRequest, ctx: UserCall): Promise<ResumeResponse> =>
    commandRun(deps, ctx, request, { command: 'RESUME' });
