import type { CreateScriptRequest, CreateScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import { checkContent } from '../app/check-content.ts';
import type { Deps } from '../app/deps.ts';
import { auditScript, scriptView } from '../app/views.ts';
import { insertDraft, insertScript } from '../store/scripts.ts';

/** Makes a script with its first version as a draft. */
export const createScript =
  (deps: Deps) =>
  async (request: CreateScriptRequest, ctx: CallContext): Promise<CreateScriptResponse> => {
    const { groupId, displayName, description, namespace, type, language, content, parameters } = request;
    const properties = request.properties ?? {};
    const derived = await checkContent({ groupId, type, language, content, properties, parameters }, deps.checkText);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const own = { groupId, displayName, description, namespace, type, language };
      const script = await insertScript(tx, { id: randomUUIDv7(), ...own, headVersion: 1, releasedVersion: 0 });
      const version = await insertDraft(tx, script.id, 1, { content, ...derived, properties, parameters });
      return {
        response: { script: scriptView(script, version) },
        resource: `scripts/${script.id}`,
        groupId,
        after: auditScript(script, version),
        revision: script.version,
      };
    });
  };
