import type {
  UpdateTransformationScriptsRequest,
  UpdateTransformationScriptsResponse,
} from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { checkRanks } from '../app/check-ranks.ts';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';

/** Replaces the transformation bindings, whole. */
export const updateTransformationScripts =
  (deps: Deps) =>
  async (request: UpdateTransformationScriptsRequest, ctx: CallContext): Promise<UpdateTransformationScriptsResponse> => {
    checkRanks(request.bindings, 'task');
    return editTask(deps, ctx, request, { transformations: request.bindings });
  };
