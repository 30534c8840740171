import { ScriptVersion_State as State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { CreateScriptRequest, CreateScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { randomUUIDv7 } from 'node:crypto';
import { checkContent } from '../app/check-content.ts';
import type { Deps } from '../app/deps.ts';
import { auditScript, scriptView } from '../app/views.ts';

/** Makes a script with its first version as a draft. */
export const createScript =
  (deps: Deps) =>
  async (request: CreateScriptRequest, ctx: CallContext): Promise<CreateScriptResponse> => {
    const { groupId, displayName, description, namespace, type, language, content, parameters } = request;
    const properties = request.properties ?? {};
    const derived = await checkContent({ type, language, content, properties, parameters }, deps.parseSql);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const script = await tx
        .insertInto('scripts')
        .values({ id: randomUUIDv7(), groupId, displayName, description, namespace, type, language, headVersion: 1, releasedVersion: 0 })
        .returningAll()
        .executeTakeFirstOrThrow();
      const version = await tx
        .insertInto('scriptVersions')
        .values({
          scriptId: script.id,
          number: 1,
          state: State.DRAFT,
          content,
          ...derived,
          properties: JSON.stringify(properties),
          parameters: JSON.stringify(parameters),
        })
        .returningAll()
        .executeTakeFirstOrThrow();
      return {
        response: { script: scriptView(script, version) },
        resource: `scripts/${script.id}`,
        groupId,
        after: auditScript(script, version),
        revision: script.version,
      };
    });
  };
