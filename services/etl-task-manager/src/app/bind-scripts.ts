// The scripts that a configuration refers to: fetched, checked, and what is missing of them.
import { enumName } from '@lethe/contracts/enum-name';
import type { ScriptBinding, ScriptRef } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { Script_Type as Type, ScriptVersion_State, type Script, type ScriptVersion } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { CallError, passOn } from '@lethe/grpc/errors';
import type { BoundScript, ScriptInfo } from '@lethe/module/effective-plan';
import { missing } from '@lethe/module/missing';
import { fillParameters } from '@lethe/module/parameters';
import { parseScriptContent, type ScriptContent } from '@lethe/module/parse-script';
import { createHash } from 'node:crypto';
import type { Deps } from './deps.ts';

type ReleasedScript = Script & { version: ScriptVersion };

/** A script of the task's group in a version, 0 being the last released one, else the head; undefined where there is none. */
const fetchScript = async (deps: Deps, ctx: CallContext, { scriptId, version }: ScriptRef): Promise<Script | undefined> => {
  try {
    const { script } = await deps.script.getScript({ scriptId, version }, { parent: ctx });
    if (!script || version !== 0 || script.releasedVersion === 0 || script.releasedVersion === script.version?.number) return script;
    return (await deps.script.getScript({ scriptId, version: script.releasedVersion }, { parent: ctx })).script;
  } catch (error) {
    if (error instanceof CallError && error.reason === 'NOT_FOUND') return undefined;
    throw passOn(error, 'script');
  }
};

/** Whether a version of a state may be pinned by a release: a new state does not compile until that is decided. */
const IS_RELEASED: Record<ScriptVersion_State, boolean> = {
  [ScriptVersion_State.UNSPECIFIED]: false,
  [ScriptVersion_State.DRAFT]: false,
  [ScriptVersion_State.RELEASED]: true,
  [ScriptVersion_State.DEPRECATED]: false,
};

/** The released version that a reference means, of the type that its place needs; or why that is missing. */
const findReleased = async (
  deps: Deps,
  ctx: CallContext,
  ref: ScriptRef,
  type: Type,
): Promise<{ script: ReleasedScript } | { missing: Missing }> => {
  const subject = `scripts/${ref.scriptId}`;
  const script = await fetchScript(deps, ctx, ref);
  if (!script?.version) return { missing: missing('SCRIPT_MISSING', subject, 'the script does not exist in the group of the task') };
  if (script.type !== type) return { missing: missing('SCRIPT_INVALID', subject, `the script is not of type ${enumName(Type, type)}`) };
  if (!IS_RELEASED[script.version.state])
    return { missing: missing('SCRIPT_NOT_RELEASED', subject, 'the version of the script is not released') };
  return { script: { ...script, version: script.version } };
};

const READ_KINDS = ['TableRead', 'FileRead', 'HttpRead'] as const;

const invalidContent = (scriptId: string, message: string | undefined): Missing =>
  missing('SCRIPT_INVALID', `scripts/${scriptId}`, message ?? 'the content is not valid');

/** A script as the plan needs it, with its declared read where it is one. */
const infoOf = ({ id: scriptId, type, language, version }: ReleasedScript): { info: ScriptInfo; missing: Missing[] } => {
  const readKind = READ_KINDS.find((kind) => kind === version.readKind);
  const read = readKind && parseScriptContent(readKind, version.content);
  const info: ScriptInfo = {
    scriptId,
    version: version.number,
    contentHash: createHash('sha256').update(version.content).digest('hex'),
    type,
    language,
    state: version.state,
    properties: version.properties ?? {},
    parameterTypes: Object.fromEntries(version.parameters.map(({ name, type: of }) => [name, of])),
  };
  if (!read) return { info, missing: [] };
  if ('violations' in read) return { info, missing: [invalidContent(scriptId, read.violations[0]?.message)] };
  return { info: { ...info, read: read.message, readKind }, missing: [] };
};

const bindScript = async (
  deps: Deps,
  ctx: CallContext,
  binding: ScriptBinding & { script: ScriptRef },
  type: Type,
): Promise<{ bound: BoundScript[]; missing: Missing[] }> => {
  const resolved = await findReleased(deps, ctx, binding.script, type);
  if ('missing' in resolved) return { bound: [], missing: [resolved.missing] };
  const { script } = resolved;
  const filled = fillParameters(script.version.parameters, binding.parameters);
  if ('invalid' in filled) {
    const names = filled.invalid.join(', ');
    return {
      bound: [],
      missing: [missing('PARAMETER_INVALID', `scripts/${script.id}`, `parameters unknown, missing or of another type: ${names}`)],
    };
  }
  const { info, missing: ofContent } = infoOf(script);
  return { bound: [{ binding: { ...binding, parameters: filled.values }, script: info }], missing: ofContent };
};

/** The scripts of bindings, with their parameters filled in; and what is missing of them. */
export const bindScripts = async (
  deps: Deps,
  ctx: CallContext,
  bindings: readonly ScriptBinding[],
  type: Type,
): Promise<{ bound: BoundScript[]; missing: Missing[] }> => {
  const results: { bound: BoundScript[]; missing: Missing[] }[] = [];
  for (const binding of bindings)
    if (binding.script) results.push(await bindScript(deps, ctx, { ...binding, script: binding.script }, type));
  return { bound: results.flatMap(({ bound }) => bound), missing: results.flatMap((result) => result.missing) };
};

const TYPES = { FieldRules: Type.FIELD_RULES, AnonymizationPlan: Type.ANONYMIZATION, UploadPlan: Type.UPLOADING } as const;

/** The content of a script of rules; undefined where none is referred to, or something is missing. */
export const readRules = async <K extends keyof typeof TYPES>(
  deps: Deps,
  ctx: CallContext,
  ref: ScriptRef | undefined,
  kind: K,
): Promise<{ rules: ScriptContent<K> | undefined; missing: Missing[] }> => {
  if (!ref) return { rules: undefined, missing: [] };
  const resolved = await findReleased(deps, ctx, ref, TYPES[kind]);
  if ('missing' in resolved) return { rules: undefined, missing: [resolved.missing] };
  const parsed = parseScriptContent(kind, resolved.script.version.content);
  if ('violations' in parsed) return { rules: undefined, missing: [invalidContent(ref.scriptId, parsed.violations[0]?.message)] };
  return { rules: parsed.message, missing: [] };
};
