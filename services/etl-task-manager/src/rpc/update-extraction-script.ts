import type { UpdateExtractionScriptRequest, UpdateExtractionScriptResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { fail } from '@lethe/grpc/errors';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';
import { repeatedRank } from '../domain/bindings.ts';

/** Replaces the extraction bindings, whole. */
export const updateExtractionScript =
  (deps: Deps) =>
  async (request: UpdateExtractionScriptRequest, ctx: CallContext): Promise<UpdateExtractionScriptResponse> => {
    const repeated = repeatedRank(request.bindings, false);
    if (repeated !== undefined)
      throw fail(
        'RANK_TWICE',
        {},
        { fields: [{ field: `bindings[${repeated}].rank`, rule: 'RANK_TWICE', description: 'the rank is taken' }] },
      );
    return editTask(deps, ctx, request, { extraction: request.bindings });
  };
