import type { EtlTaskManagerDefinition } from '@lethe/contracts/gen/lethe/task/v1/task_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { Deps } from '../app/deps.ts';
import { createTask } from './create-task.ts';
import { getRun } from './get-run.ts';
import { getTask } from './get-task.ts';
import { listRuns } from './list-runs.ts';
import { listTasks } from './list-tasks.ts';
import { pause } from './pause.ts';
import { release } from './release.ts';
import { resolveUpload } from './resolve-upload.ts';
import { resume } from './resume.ts';
import { start } from './start.ts';
import { stop } from './stop.ts';
import { updateAnonymizationRules } from './update-anonymization-rules.ts';
import { updateExtractionScript } from './update-extraction-script.ts';
import { updateFieldRules } from './update-field-rules.ts';
import { updateTransformationScripts } from './update-transformation-scripts.ts';
import { updateUploadingScript } from './update-uploading-script.ts';
import { watchRun } from './watch-run.ts';

/** The handlers of EtlTaskManager; one that is missing does not compile. */
export const handlers = (deps: Deps): Handlers<typeof EtlTaskManagerDefinition> => ({
  createTask: createTask(deps),
  getTask: getTask(deps),
  updateExtractionScript: updateExtractionScript(deps),
  updateFieldRules: updateFieldRules(deps),
  updateAnonymizationRules: updateAnonymizationRules(deps),
  updateTransformationScripts: updateTransformationScripts(deps),
  updateUploadingScript: updateUploadingScript(deps),
  release: release(deps),
  start: start(deps),
  pause: pause(deps),
  resume: resume(deps),
  resolveUpload: resolveUpload(deps),
  stop: stop(deps),
  listTasks: listTasks(deps),
  getRun: getRun(deps),
  listRuns: listRuns(deps),
  watchRun: watchRun(deps),
});
