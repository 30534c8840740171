// From a task's configuration to its effective plan: fetches what is referred to, and says what is missing.
import { Script_Type as Type, ScriptVersion_State, type Script } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { ScriptBinding, ScriptRef } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import type { Missing, TaskRevision } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, fail, passOn } from '@lethe/grpc/errors';
import { parseDocument } from '@lethe/module/document';
import { computeEffectivePlan, type EffectivePlanInput, type ScriptInfo } from '@lethe/module/effective-plan';
import { missing } from '@lethe/module/missing';
import { fillParameters } from '@lethe/module/parameters';
import { parseScriptContent } from '@lethe/module/parse-script';
import { createHash } from 'node:crypto';
import { checkGrants } from './grants.ts';
import type { Deps } from './deps.ts';

/** What a configuration comes to. */
export type Compiled = { plan: EffectivePlan; missing: Missing[]; module: DataModule };

type BoundScript = { binding: ScriptBinding; script: ScriptInfo };

/** The module of a task, in the task's group. */
export const fetchModule = async (deps: Deps, ctx: CallContext, moduleId: string): Promise<DataModule> => {
  try {
    const { dataModule } = await deps.extdatamodule.getDataModule({ moduleId }, { parent: ctx });
    if (!dataModule) throw fail('NOT_FOUND', { resource: 'module' });
    return dataModule;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND')
      throw fail('NOT_FOUND', { resource: 'module' }, { message: 'module not found' });
    throw passOn(error, 'extdatamodule');
  }
};

/** A script of the task's group in a version: 0 = the newest released, else the head; undefined where there is none. */
const fetchScript = async (deps: Deps, ctx: CallContext, { scriptId, version }: ScriptRef): Promise<Script | undefined> => {
  try {
    const { script } = await deps.script.getScript({ scriptId, version }, { parent: ctx });
    const newest = script && version === 0 && script.releasedVersion > 0 && script.releasedVersion !== script.version?.number;
    return newest ? (await deps.script.getScript({ scriptId, version: script.releasedVersion }, { parent: ctx })).script : script;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    throw passOn(error, 'script');
  }
};

const checkScript = (script: Script | undefined, ref: ScriptRef, type: Type, typeName: string, found: Missing[]): script is Script => {
  const subject = `scripts/${ref.scriptId}`;
  if (!script?.version) found.push(missing('SCRIPT_MISSING', subject, 'the script does not exist in the group of the task'));
  else if (script.type !== type) found.push(missing('SCRIPT_INVALID', subject, `the script is not of type ${typeName}`));
  else if (script.version.state !== ScriptVersion_State.RELEASED)
    found.push(missing('SCRIPT_NOT_RELEASED', subject, 'the version of the script is not released'));
  else return true;
  return false;
};

const readKinds: Record<string, 'TableRead' | 'FileRead' | 'HttpRead'> = {
  TableRead: 'TableRead',
  FileRead: 'FileRead',
  HttpRead: 'HttpRead',
};

const toInfo = (script: Script, found: Missing[]): ScriptInfo => {
  const version = script.version;
  const kind = readKinds[version?.readKind ?? ''];
  const read = kind ? parseScriptContent(kind, version?.content ?? '') : undefined;
  if (read && 'violations' in read)
    found.push(missing('SCRIPT_INVALID', `scripts/${script.id}`, read.violations[0]?.message ?? 'the content is not valid'));
  return {
    scriptId: script.id,
    version: version?.number ?? 0,
    contentHash: createHash('sha256')
      .update(version?.content ?? '')
      .digest('hex'),
    type: script.type,
    language: script.language,
    state: version?.state ?? ScriptVersion_State.UNSPECIFIED,
    properties: version?.properties ?? {},
    ...(read && 'message' in read ? { read: read.message, readKind: kind } : {}),
  };
};

const bindScripts = async (
  deps: Deps,
  ctx: CallContext,
  bindings: readonly ScriptBinding[],
  type: Type,
  typeName: string,
  found: Missing[],
): Promise<BoundScript[]> => {
  const bound: BoundScript[] = [];
  for (const binding of bindings) {
    if (!binding.script) continue;
    const script = await fetchScript(deps, ctx, binding.script);
    if (!checkScript(script, binding.script, type, typeName, found)) continue;
    const filled = fillParameters(script.version?.parameters ?? [], binding.parameters);
    if ('invalid' in filled)
      found.push(
        missing(
          'PARAMETER_INVALID',
          `scripts/${script.id}`,
          `parameters unknown, missing or of another type: ${filled.invalid.join(', ')}`,
        ),
      );
    else bound.push({ binding: { ...binding, parameters: filled.values }, script: toInfo(script, found) });
  }
  return bound;
};

const readRules = async (
  deps: Deps,
  ctx: CallContext,
  ref: ScriptRef | undefined,
  kind: 'FieldRules' | 'AnonymizationPlan' | 'UploadPlan',
  type: Type,
  found: Missing[],
): Promise<unknown> => {
  if (!ref) return undefined;
  const script = await fetchScript(deps, ctx, ref);
  if (!checkScript(script, ref, type, kind, found)) return undefined;
  const parsed = parseScriptContent(kind, script.version?.content ?? '');
  if ('message' in parsed) return parsed.message;
  found.push(missing('SCRIPT_INVALID', `scripts/${ref.scriptId}`, parsed.violations[0]?.message ?? 'the content is not valid'));
  return undefined;
};

/** Computes the effective plan of a configuration, and everything that stands in the way of its release by `releaserId`. */
export const compile = async (
  deps: Deps,
  ctx: CallContext,
  moduleId: string,
  revision: TaskRevision,
  releaserId: string,
): Promise<Compiled> => {
  const module = await fetchModule(deps, ctx, moduleId);
  const parsed = await parseDocument(module.document ?? {});
  if ('violations' in parsed) throw new Error('a stored document cannot be read');
  const found: Missing[] = [];
  const protocolBindings = (parsed.module.protocol?.entries ?? []).flatMap(({ collect }) =>
    collect?.$case === 'script' ? [collect.value] : [],
  );
  const input: EffectivePlanInput = {
    module: parsed.module,
    fieldRules: (await readRules(
      deps,
      ctx,
      revision.fieldRules,
      'FieldRules',
      Type.FIELD_RULES,
      found,
    )) as EffectivePlanInput['fieldRules'],
    anonymization: (await readRules(
      deps,
      ctx,
      revision.anonymization,
      'AnonymizationPlan',
      Type.ANONYMIZATION,
      found,
    )) as EffectivePlanInput['anonymization'],
    uploading: (await readRules(deps, ctx, revision.uploading, 'UploadPlan', Type.UPLOADING, found)) as EffectivePlanInput['uploading'],
    extraction: await bindScripts(deps, ctx, revision.extraction, Type.EXTRACTION, 'EXTRACTION', found),
    protocolScripts: await bindScripts(deps, ctx, protocolBindings, Type.EXTRACTION, 'EXTRACTION', found),
    transformations: await bindScripts(deps, ctx, revision.transformations, Type.TRANSFORMATION, 'TRANSFORMATION', found),
  };
  const computed = computeEffectivePlan(input);
  const grants = await checkGrants(deps, ctx, computed.plan, releaserId);
  return { plan: computed.plan, missing: [...found, ...computed.missing, ...grants], module };
};
