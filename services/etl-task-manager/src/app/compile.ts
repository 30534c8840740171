// From a task's configuration to its effective plan: fetches what it refers to, and lists what is missing.
import type { DataModule } from '@lethe/contracts/gen/lethe/extdatamodule/v1/data_module';
import type { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { Script_Type as Type } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Missing, TaskRevision } from '@lethe/contracts/gen/lethe/task/v1/task';
import type { CallContext } from '@lethe/grpc/context';
import { parseDocument } from '@lethe/module/document';
import { checkPublished } from '@lethe/module/check-published';
import { checkSourceTypes, checkUploadTypes } from '@lethe/module/check-uploads';
import { writesFiles } from '@lethe/module/connection-types';
import { computeEffectivePlan } from '@lethe/module/effective-plan';
import { missing } from '@lethe/module/missing';
import { bindScripts, readRules } from './bind-scripts.ts';
import type { Deps } from './deps.ts';
import { fetchModule } from './fetch-module.ts';
import { findConnections, type KnownConnection } from './connections.ts';
import { checkDemandedPrivacy, checkGrants } from './grants.ts';
import { findSuperseded } from './superseded.ts';

/** A configuration's plan, what is missing for its release, and the module that it is for. */
export type Compiled = { plan: EffectivePlan; missing: Missing[]; module: DataModule };

/** What the types of the connections cannot do of the plan. */
const checkTypes = (plan: EffectivePlan, known: ReadonlyMap<string, KnownConnection>): Missing[] => {
  const found: Missing[] = [];
  const typeOf = (connectionId: string): string | undefined => known.get(connectionId)?.type;
  checkSourceTypes(plan.sources, plan.scripts, typeOf, (pointer, _, message) =>
    found.push(missing('CONNECTION_MISMATCH', pointer.slice(1), message)),
  );
  checkUploadTypes(plan, typeOf, (pointer, rule, message) =>
    found.push(missing(rule === 'CONNECTION_TYPE' ? 'CONNECTION_MISMATCH' : 'UPLOAD_INVALID', pointer.slice(1), message)),
  );
  return found;
};

/** What CreateDataModule would refuse of the document that a run would publish. */
const judgePublished = async (plan: EffectivePlan, known: ReadonlyMap<string, KnownConnection>): Promise<Missing[]> => {
  const violations = await checkPublished(plan, (connectionId) => writesFiles(known.get(connectionId)?.type ?? ''));
  return violations.map(({ pointer, message }) =>
    missing('PUBLISHED_INVALID', `published${pointer}`, `the document of the version would not be valid: ${message}`),
  );
};

const judgePrivacy = (plan: EffectivePlan, known: ReadonlyMap<string, KnownConnection>): Missing[] =>
  checkDemandedPrivacy(plan, known).map(({ table, connectionId }) =>
    missing(
      'PRIVACY_REQUIRED',
      `tables/${table}`,
      `the owners of connection ${connectionId} demand a requirement (\`requires\`) over quasi-identifying columns of table ${table}, which has none`,
    ),
  );

const checkSuperseded = async (deps: Deps, ctx: CallContext, module: Module): Promise<Missing[]> => {
  const version = await findSuperseded(deps, ctx, module);
  if (version === undefined) return [];
  return [
    missing(
      'VERSION_SUPERSEDED',
      `versions/${version}`,
      `the rows of version ${version} were replaced by a later one; collect that instead`,
    ),
  ];
};

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
  const known = await findConnections(deps, ctx, computed.plan, releaserId);
  const grants = await checkGrants(deps, ctx, computed.plan, { userId: releaserId, known });
  const found = [
    ...ofScripts,
    ...computed.missing,
    ...grants.map(({ missing: lacking }) => lacking),
    ...checkTypes(computed.plan, known),
    ...judgePrivacy(computed.plan, known),
  ];
  // A plan that lacks something publishes nothing, and its document would repeat what is missing.
  const published = found.length === 0 ? await judgePublished(computed.plan, known) : [];
  const superseded = await checkSuperseded(deps, ctx, parsed.module);
  return { plan: computed.plan, missing: [...found, ...published, ...superseded], module };
};
