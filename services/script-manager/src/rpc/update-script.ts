import type { Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { UpdateScriptRequest, UpdateScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { mutate } from '@lethe/db/mutate';
import type { CallContext } from '@lethe/grpc/context';
import { invalidField } from '@lethe/grpc/errors';
import { checkEtag } from '@lethe/grpc/etag';
import { readMask } from '@lethe/grpc/mask';
import { loadVisible } from '@lethe/grpc/visible';
import { checkContent, type Content } from '../app/check-content.ts';
import type { Deps } from '../app/deps.ts';
import { auditScript, scriptView } from '../app/views.ts';
import { editedVersion } from '../domain/script.ts';
import type { SqlParser } from '../sql/parsers.ts';
import { findScript, findVersion, insertDraft, lockScript, saveScript, updateDraft } from '../store/scripts.ts';
import type { ScriptRow, Tx, VersionRow } from '../store/tables.ts';

const OWN = ['display_name', 'description', 'namespace'];
const OF_VERSION = ['version.content', 'version.properties', 'version.parameters'];

const isPopulated =
  (script: Script | undefined) =>
  (path: string): boolean => {
    const values: Record<string, unknown> = {
      display_name: script?.displayName,
      description: script?.description,
      namespace: script?.namespace,
      'version.content': script?.version?.content,
      'version.properties': script?.version?.properties,
      'version.parameters': script?.version?.parameters.length,
    };
    return Boolean(values[path]);
  };

const merge = (row: ScriptRow, head: VersionRow, wanted: Script, paths: Set<string>): Content => {
  return {
    type: row.type,
    language: row.language,
    content: paths.has('version.content') ? (wanted.version?.content ?? '') : head.content,
    properties: paths.has('version.properties') ? (wanted.version?.properties ?? {}) : head.properties,
    parameters: paths.has('version.parameters') ? (wanted.version?.parameters ?? []) : head.parameters,
  };
};

const saveVersion = async (tx: Tx, head: VersionRow, saved: Content, parseSql: SqlParser): Promise<VersionRow> => {
  const { content, properties, parameters } = saved;
  const derived = await checkContent(saved, parseSql);
  const { number, replaces } = editedVersion(head);
  return (replaces ? updateDraft : insertDraft)(tx, head.scriptId, number, { content, ...derived, properties, parameters });
};

/** Changes a script; changed content goes into the draft, or into a new one after a released head. */
export const updateScript =
  (deps: Deps) =>
  async (request: UpdateScriptRequest, ctx: CallContext): Promise<UpdateScriptResponse> => {
    const wanted = request.script;
    if (!wanted) throw invalidField('script', 'required', 'a script is required');
    const paths = readMask(request.updateMask, [...OWN, ...OF_VERSION], isPopulated(wanted));
    if (paths.has('display_name') && wanted.displayName === '')
      throw invalidField('script.display_name', 'string.min_len', 'a name is required');
    const visible = await loadVisible(ctx, 'script', findScript(deps.store.db, request.scriptId));
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockScript(tx, visible.id);
      checkEtag(request.etag, before.version);
      const head = await findVersion(tx, before.id, before.headVersion);
      if (!head) throw new Error('a script without its head version');
      const version = OF_VERSION.some((path) => paths.has(path))
        ? await saveVersion(tx, head, merge(before, head, wanted, paths), deps.parseSql)
        : head;
      const changes = {
        ...(paths.has('display_name') ? { displayName: wanted.displayName } : {}),
        ...(paths.has('description') ? { description: wanted.description } : {}),
        ...(paths.has('namespace') ? { namespace: wanted.namespace } : {}),
        headVersion: version.number,
      };
      const after = await saveScript(tx, before, changes, deps.now());
      return {
        response: { script: scriptView(after, version) },
        before: auditScript(before, head),
        after: auditScript(after, version),
        revision: after.version,
      };
    });
  };
