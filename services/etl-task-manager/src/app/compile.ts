// From a task's configuration to its effective plan: fetches what it refers to, and lists what is missing.
import type { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Missing, TaskRevision } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { parseDocument } from '@lethe/module/document';
import { computeEffectivePlan } from '@lethe/module/effective-plan';
import { bindScripts, readRules } from './bind-scripts.ts';
import type { Deps } from './deps.ts';
import { fetchModule } from './fetch-module.ts';
import { checkGrants } from './grants.ts';

/** A configuration's plan, what is missing for its release, and the module that it is for. */
export type Compiled = { plan: EffectivePlan; missing: Missing[]; module: DataModule };

/** Computes the effective plan of a configuration, and everything that prevents its release by `releaserId`. */
export const compile = async (
  deps: Deps,
  ctx: CallContext,
  { moduleId, revision, releaserId }: { moduleId: string; revision: TaskRevision; releaserId: string },
): Promise<Compiled> => {
  const module = await fetchModule(deps, ctx, moduleId);
  const parsed = await parseDocument(module.document ?? {});
  if ('violations' in parsed) throw new Error('a stored document cannot be read');
  const protocolBindings = (parsed.module.protocol?.entries ?? []).flatMap(({ collect }) =>
    collect?.$case === 'script' ? [collect.value] : [],
  );
  const fieldRules = await readRules(deps, ctx, revision.fieldRules, 'FieldRules');
  const anonymization = await readRules(deps, ctx, revision.anonymization, 'AnonymizationPlan');
  const uploading = await readRules(deps, ctx, revision.uploading, 'UploadPlan');
  const extraction = await bindScripts(deps, ctx, revision.extraction, Type.EXTRACTION);
  const protocolScripts = await bindScripts(deps, ctx, protocolBindings, Type.EXTRACTION);
  const transformations = await bindScripts(deps, ctx, revision.transformations, Type.TRANSFORMATION);
  const computed = computeEffectivePlan({
    module: parsed.module,
    fieldRules: fieldRules.rules,
    anonymization: anonymization.rules,
    uploading: uploading.rules,
    extraction: extraction.bound,
    protocolScripts: protocolScripts.bound,
    transformations: transformations.bound,
  });
  const ofScripts = [fieldRules, anonymization, uploading, extraction, protocolScripts, transformations].flatMap(({ missing }) => missing);
  const grants = await checkGrants(deps, ctx, computed.plan, releaserId);
  return { plan: computed.plan, missing: [...ofScripts, ...computed.missing, ...grants], module };
};
