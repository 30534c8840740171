import type { UpdateAnonymizationRulesRequest, UpdateAnonymizationRulesResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';

/** Replaces the anonymization script; absent = none. */
export const updateAnonymizationRules =
  (deps: Deps) =>
  (request: UpdateAnonymizationRulesRequest, ctx: CallContext): Promise<UpdateAnonymizationRulesResponse> =>
    editTask(deps, ctx, request, { anonymization: request.script });
