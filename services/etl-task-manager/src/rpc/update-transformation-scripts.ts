import type {
  UpdateTransformationScriptsRequest,
  UpdateTransformationScriptsResponse,
} from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';
import { repeatedRank } from '../domain/bindings.ts';

/** Replaces the transformations bindings, whole. */
export const updateTransformationScripts =
  (deps: Deps) =>
  async (request: UpdateTransformationScriptsRequest, ctx: CallContext): Promise<UpdateTransformationScriptsResponse> => {
    const repeated = repeatedRank(request.bindings, true);
    if (repeated !== undefined)
      throw fail(
        'RANK_TWICE',
        {},
        { fields: [{ field: `bindings[${repeated}].rank`, rule: 'RANK_TWICE', description: 'the rank is taken' }] },
      );
    return editTask(deps, ctx, request, { transformations: request.bindings });
  };
