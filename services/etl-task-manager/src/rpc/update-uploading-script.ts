import type { UpdateUploadingScriptRequest, UpdateUploadingScriptResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';

/** Replaces the uploading script; absent = none. */
export const updateUploadingScript =
  (deps: Deps) =>
  (request: UpdateUploadingScriptRequest, ctx: CallContext): Promise<UpdateUploadingScriptResponse> =>
    editTask(deps, ctx, request, { uploading: request.script });
