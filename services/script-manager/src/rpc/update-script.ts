import type { Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { UpdateScriptRequest, UpdateScriptResponse } from '@lethe/contracts/gen/lethe/script/v1/script_service';
import { isDeepStrictEqual } from 'node:util';
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
import type { TextChecker } from '../parsing/checker.ts';
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
    groupId: row.groupId,
    type: row.type,
    language: row.language,
    content: paths.has('version.content') ? (wanted.version?.content ?? '') : head.content,
    properties: paths.has('version.properties') ? (wanted.version?.properties ?? {}) : head.properties,
    parameters: paths.has('version.parameters') ? (wanted.version?.parameters ?? []) : head.parameters,
  };
};

type Derived = Awaited<ReturnType<typeof checkContent>>;

/** Checks a content once: the transaction that saves it does not wait for a parser, unless somebody else changed the script meanwhile. */
const checkedOnce = async (first: Content | undefined, checkText: TextChecker): Promise<(saved: Content) => Promise<Derived>> => {
  const derived = first && (await checkContent(first, checkText));
  return async (saved) => (derived && isDeepStrictEqual(saved, first) ? derived : checkContent(saved, checkText));
};

const saveVersion = async (
  tx: Tx,
  head: VersionRow,
  saved: Content,
  checkedContent: (saved: Content) => Promise<Derived>,
): Promise<VersionRow> => {
  const { content, properties, parameters } = saved;
  const derived = await checkedContent(saved);
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
    const isOfVersion = OF_VERSION.some((path) => paths.has(path));
    const seen = isOfVersion ? await findVersion(deps.store.db, visible.id, visible.headVersion) : undefined;
    const checkedContent = await checkedOnce(seen && merge(visible, seen, wanted, paths), deps.checkText);
    return mutate(deps.store, ctx, request.requestId, async (tx) => {
      const before = await lockScript(tx, visible.id);
      checkEtag(request.etag, before.version);
      const head = await findVersion(tx, before.id, before.headVersion);
      if (!head) throw new Error('a script without its head version');
      const version = isOfVersion ? await saveVersion(tx, head, merge(before, head, wanted, paths), checkedContent) : head;
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
