import type { UpdateExtractionScriptRequest, UpdateExtractionScriptResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import { checkRanks } from '../app/check-ranks.ts';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';

/** Replaces the extraction bindings, whole. */
export const updateExtractionScript =
  (deps: Deps) =>
  async (request: UpdateExtractionScriptRequest, ctx: CallContext): Promise<UpdateExtractionScriptResponse> => {
    checkRanks(request.bindings, 'table');
    return editTask(deps, ctx, request, { extraction: request.bindings });
  };
