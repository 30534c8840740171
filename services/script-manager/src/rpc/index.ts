import type { ScriptManagerDefinition } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import type { Handlers } from '@lethe/grpc/bind';
import type { Deps } from '../app/deps.ts';
import { createScript } from './create-script.ts';
import { getScript } from './get-script.ts';
import { listScripts } from './list-scripts.ts';
import { releaseScript } from './release-script.ts';
import { testScript } from './test-script.ts';
import { updateScript } from './update-script.ts';

/** The handlers of ScriptManager; one that is missing does not compile. */
export const handlers = (deps: Deps): Handlers<typeof ScriptManagerDefinition> => ({
  createScript: createScript(deps),
  getScript: getScript(deps),
  updateScript: updateScript(deps),
  releaseScript: releaseScript(deps),
  listScripts: listScripts(deps),
  testScript: testScript(deps),
});
