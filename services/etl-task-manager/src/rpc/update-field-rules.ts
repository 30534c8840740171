import type { UpdateFieldRulesRequest, UpdateFieldRulesResponse } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { CallContext } from '@lethe/grpc/context';
import type { Deps } from '../app/deps.ts';
import { editTask } from '../app/edit-task.ts';

/** Replaces the field rules script; absent = none. */
export const updateFieldRules =
  (deps: Deps) =>
  (request: UpdateFieldRulesRequest, ctx: CallContext): Promise<UpdateFieldRulesResponse> =>
    editTask(deps, ctx, request, { fieldRules: request.script });
