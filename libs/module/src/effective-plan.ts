// Effective rules: the module document, then the task's rules per (table, column, kind). The one function that puts them together.
import type { AnonymizationPlan, PrivacyRequirement } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { EffectivePlan, type PinnedScript, Origin, type RuleOrigin, type TransformStep } from '@lethe/contracts/gen/lethe/module/v1/plan';
import type { FileRead, HttpRead, ProtocolEntry, ScriptBinding, TableRead } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import {
  CastPolicy,
  NullReference,
  type FieldRule,
  type FieldRules,
  type ForeignKeyRule,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { Role, Table, type Column, type Module } from '@lethe/contracts/gen/lethe/module/v1/schema';
import type { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { Script_Language, type Script_Type, type ScriptVersion_State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { Missing } from '@lethe/contracts/gen/lethe/task/v1/task';
import { createHash } from 'node:crypto';
import { checkAnonymization, isAtLeast } from './check-anonymization.ts';
import { mayBeEmpty } from './check-column.ts';
import { checkRoles, checkSources, checkTables } from './check-module.ts';
import { checkUploads } from './check-uploads.ts';
import { missing, type MissingKind } from './missing.ts';
import { parseTransformProperties } from './parse-script.ts';
import type { Rule, RuleValue } from './field-rules.ts';
import { placeOf } from './source-place.ts';
import type { Json } from './fields/field.ts';

/** A script as it is pinned. `read` is the declarative read of a JSON extraction. */
export type ScriptInfo = {
  scriptId: string;
  version: number;
  contentHash: string;
  type: Script_Type;
  language: Script_Language;
  state: ScriptVersion_State;
  properties: Json;
  parameterTypes: PinnedScript['parameterTypes'];
  read?: TableRead | FileRead | HttpRead;
  readKind?: 'TableRead' | 'FileRead' | 'HttpRead' | undefined;
};

/** A binding and its script. */
export type BoundScript = { binding: ScriptBinding; script: ScriptInfo };

/** What the plan is made of. */
export type EffectivePlanInput = {
  module: Module;
  fieldRules: FieldRules | undefined;
  anonymization: AnonymizationPlan | undefined;
  uploading: UploadPlan | undefined;
  /** The task's extraction; replaces the protocol's entries of its tables. */
  extraction: BoundScript[];
  /** The scripts that the module's own protocol binds. */
  protocolScripts: BoundScript[];
  transformations: BoundScript[];
};

type State = { origins: RuleOrigin[]; missing: Missing[] };

/** What an origin is of: the kinds of field rules, and what else a plan takes from the module or the task. */
type OriginKind = 'empty' | 'cast' | 'range' | 'primary_key' | 'foreign_key' | 'privacy' | 'source' | 'upload' | 'step';

const lack = (state: State, kind: MissingKind, subject: string, description: string): void =>
  void state.missing.push(missing(kind, subject, description));
/** A rule and where it came from. `column` is empty for rules of a table. */
type MarkedRule = { table: string; column?: string; kind: OriginKind; origin: Origin };
const mark = (state: State, { table, column = '', kind, origin }: MarkedRule): void => {
  const known = state.origins.find((entry) => entry.table === table && entry.column === column && entry.kind === kind);
  if (known) known.origin = origin;
  else state.origins.push({ table, column, kind, origin });
};

const withDefaults = (state: State, table: Table, column: Column): Column => {
  for (const kind of ['empty', 'cast', 'range'] as const)
    if (column[kind]) mark(state, { table: table.name, column: column.name, kind, origin: Origin.MODULE });
  if (!column.cast) mark(state, { table: table.name, column: column.name, kind: 'cast', origin: Origin.DEFAULT });
  return { ...column, cast: column.cast ?? { policy: CastPolicy.FAIL, replacement: '' } };
};

const ofModule = (state: State, table: Table): Table => {
  if (table.primaryKey) mark(state, { table: table.name, kind: 'primary_key', origin: Origin.MODULE });
  table.foreignKeys.forEach((key) =>
    mark(state, { table: table.name, column: key.columns.join(','), kind: 'foreign_key', origin: Origin.MODULE }),
  );
  if (table.privacy) mark(state, { table: table.name, kind: 'privacy', origin: Origin.MODULE });
  return { ...table, columns: table.columns.map((column) => withDefaults(state, table, column)) };
};

const sameColumns = (left: readonly string[], right: readonly string[]): boolean =>
  left.length === right.length && left.every((name, index) => name === right[index]);

/** Where a rule of a task applies. `column` is empty for rules of a table. */
type RulePlace = { state: State; table: Table; column: string; subject: string };

const onColumn =
  <C extends 'empty' | 'cast' | 'range'>(kind: C) =>
  ({ state, table, column, subject }: RulePlace, value: RuleValue<C>): void => {
    const found = table.columns.find(({ name }) => name === column);
    if (!found) return lack(state, 'RULE_INVALID', subject, `a rule names a missing column ${column} of table ${table.name}`);
    Object.assign(found, { [kind]: value });
    mark(state, { table: table.name, column, kind, origin: Origin.TASK });
  };

const APPLY: { [C in Rule['$case']]: (place: RulePlace, value: RuleValue<C>) => void } = {
  empty: onColumn('empty'),
  cast: onColumn('cast'),
  range: onColumn('range'),
  primaryKey: ({ state, table }, value) => {
    table.primaryKey = value;
    mark(state, { table: table.name, kind: 'primary_key', origin: Origin.TASK });
  },
  foreignKey: ({ state, table }, value) => {
    table.foreignKeys = [...table.foreignKeys.filter(({ columns }) => !sameColumns(columns, value.columns)), value];
    mark(state, { table: table.name, column: value.columns.join(','), kind: 'foreign_key', origin: Origin.TASK });
  },
};

const applyRule = (state: State, tables: Table[], { table: tableName, column, rule }: FieldRule, index: number): void => {
  const subject = `field_rules/rules/${index}`;
  const table = tables.find(({ name }) => name === tableName);
  if (!table) return lack(state, 'RULE_INVALID', subject, `a rule names a missing table ${tableName}`);
  // The compiler cannot tie the case to its value across the look-up.
  if (rule) (APPLY[rule.$case] as (place: RulePlace, value: Rule['value']) => void)({ state, table, column, subject }, rule.value);
};

const readCases = { TableRead: 'tableRead', FileRead: 'fileRead', HttpRead: 'httpRead' } as const;

/** A declarative extraction becomes a read over the binding's connection; code stays a binding of the pinned version. */
const sourceOf = ({ binding, script }: BoundScript): ProtocolEntry => {
  if (script.read && script.readKind) {
    const collect = { $case: readCases[script.readKind], value: { ...script.read, connectionId: binding.connectionId } } as NonNullable<
      ProtocolEntry['collect']
    >;
    return { table: binding.table, rank: binding.rank, sourceColumns: binding.sourceColumns, collect };
  }
  return {
    table: binding.table,
    rank: binding.rank,
    sourceColumns: [],
    collect: { $case: 'script', value: { ...binding, script: { scriptId: script.scriptId, version: script.version } } },
  };
};

const collectSources = (state: State, input: EffectivePlanInput, tables: readonly Table[]): ProtocolEntry[] => {
  const sources: ProtocolEntry[] = [];
  for (const table of tables) {
    const own = input.extraction.filter(({ binding }) => binding.table === table.name).map(sourceOf);
    const direct = (input.module.protocol?.entries ?? []).filter(
      (entry) => entry.collect?.$case !== 'script' && placeOf(entry).table === table.name,
    );
    const scripted = input.protocolScripts.filter(({ binding }) => binding.table === table.name).map(sourceOf);
    const chosen = own.length > 0 ? own : [...direct, ...scripted];
    if (chosen.length === 0) lack(state, 'SCRIPT_MISSING', `tables/${table.name}`, `the table ${table.name} has no source`);
    else mark(state, { table: table.name, kind: 'source', origin: own.length > 0 ? Origin.TASK : Origin.MODULE });
    sources.push(...chosen.toSorted((left, right) => placeOf(left).rank - placeOf(right).rank));
  }
  const unknown = input.extraction.filter(({ binding }) => !tables.some(({ name }) => name === binding.table));
  for (const { binding } of unknown)
    lack(state, 'RULE_INVALID', `tables/${binding.table}`, `a source names a missing table ${binding.table}`);
  return sources;
};

/** An output column: a declared role, or that of an input column of the same name and type. */
const outputColumn = (state: State, tables: readonly Table[], table: string, column: Column): Column => {
  const inputs = [...tables.filter(({ name }) => name === table), ...tables].flatMap(({ columns }) => columns);
  const same = inputs.find(({ name, type }) => name === column.name && type?.base === column.type?.base);
  const role = column.role === Role.UNSPECIFIED ? (same?.role ?? Role.UNSPECIFIED) : column.role;
  if (role === Role.UNSPECIFIED)
    lack(
      state,
      'ROLE_MISSING',
      `tables/${table}/columns/${column.name}`,
      `the output column ${column.name} of table ${table} needs a role`,
    );
  // What the document says of a column's values holds whoever writes them, unless the script says otherwise.
  const own = tables.find(({ name }) => name === table);
  const before = own?.columns.find(({ name, type }) => name === column.name && type?.base === column.type?.base);
  const empty = own && before && !mayBeEmpty(own, before) ? before.empty : undefined;
  return {
    ...column,
    role,
    empty: column.empty ?? empty,
    range: column.range ?? before?.range,
    cast: { policy: CastPolicy.FAIL, replacement: '' },
  };
};

/** A key of a written table: what a transform gives may be empty, where the rules of the collected column said that it is not. */
const ofWritten = (key: ForeignKeyRule): ForeignKeyRule =>
  key.nullReference === NullReference.UNSPECIFIED ? { ...key, nullReference: NullReference.KEEP } : key;

/** Takes off the keys whose other side is gone after the transforms. */
const withoutLostReferences = (results: readonly Table[]): Table[] => {
  const has = (table: string, columns: readonly string[]): boolean => {
    const target = results.find(({ name }) => name === table);
    return target !== undefined && columns.every((name) => target.columns.some((column) => column.name === name));
  };
  return results.map((table) => ({
    ...table,
    foreignKeys: table.foreignKeys.filter(({ referencedTable, referencedColumns }) => has(referencedTable, referencedColumns)),
  }));
};

const applyTransforms = (
  state: State,
  input: EffectivePlanInput,
  sources: readonly Table[],
): { results: Table[]; transforms: TransformStep[] } => {
  let results = sources.map((table) => Table.fromPartial(table));
  const transforms: TransformStep[] = [];
  for (const { binding, script } of input.transformations.toSorted((left, right) => left.binding.rank - right.binding.rank)) {
    const parsed = parseTransformProperties(script.properties);
    if ('violations' in parsed) {
      lack(state, 'RULE_INVALID', `scripts/${script.scriptId}`, parsed.violations[0]?.message ?? 'the declared outputs cannot be read');
      continue;
    }
    const columns = parsed.outputs.columns.map((column) => outputColumn(state, results, binding.table, column));
    const before = results.find(({ name }) => name === binding.table);
    const names = new Set(columns.map(({ name }) => name));
    const keeps = (keys: readonly string[]): boolean => keys.every((key) => names.has(key));
    const written = Table.fromPartial({
      ...before,
      name: binding.table,
      columns,
      primaryKey: before?.primaryKey && keeps(before.primaryKey.columns) ? before.primaryKey : undefined,
      foreignKeys: (before?.foreignKeys ?? []).filter((key) => keeps(key.columns)).map(ofWritten),
    });
    results = [...results.filter(({ name }) => name !== binding.table && !parsed.outputs.drops.includes(name)), written];
    transforms.push({
      binding: { ...binding, script: { scriptId: script.scriptId, version: script.version } },
      outputs: { ...parsed.outputs, columns },
    });
  }
  return { results: transforms.length > 0 ? withoutLostReferences(results) : results, transforms };
};

const raise = (state: State, table: Table, raised: PrivacyRequirement | undefined): void => {
  if (!raised) return;
  if (!isAtLeast(raised, table.privacy))
    return lack(
      state,
      'REQUIREMENT_LOWERED',
      `tables/${table.name}`,
      `the task may raise the requirement of table ${table.name}, not lower it`,
    );
  table.privacy = raised;
  mark(state, { table: table.name, kind: 'privacy', origin: Origin.TASK });
};

/** An upload that no table of the result takes is told, not passed over. One of a table that a transform drops says what was true before it. */
const refuseStrayUploads = (state: State, input: EffectivePlanInput, results: readonly Table[]): void => {
  const refuse = (table: string, why: string): void =>
    lack(state, 'UPLOAD_INVALID', `uploads/${table}`, `an upload names the table ${table}, which ${why}`);
  const isKnown = (table: string): boolean => [...results, ...input.module.tables].some(({ name }) => name === table);
  for (const { table } of [...(input.uploading?.tables ?? []), ...(input.module.upload?.tables ?? [])])
    if (!isKnown(table)) refuse(table, 'neither the module has nor a transform writes');
  for (const { table } of input.uploading?.tables ?? [])
    if (results.find(({ name }) => name === table)?.unpublished) refuse(table, 'is not published');
};

const chooseUploads = (state: State, input: EffectivePlanInput, results: readonly Table[]): EffectivePlan['uploads'] =>
  results
    .filter(({ unpublished }) => !unpublished)
    .flatMap(({ name }) => {
      const own = input.uploading?.tables.find(({ table }) => table === name);
      const chosen = own ?? input.module.upload?.tables.find(({ table }) => table === name);
      if (!chosen) lack(state, 'UPLOAD_MISSING', `tables/${name}`, `the table ${name} has no upload`);
      else mark(state, { table: name, kind: 'upload', origin: own ? Origin.TASK : Origin.MODULE });
      return chosen ? [chosen] : [];
    });

const pin = (input: EffectivePlanInput): EffectivePlan['scripts'] => {
  const code = [...input.extraction, ...input.protocolScripts, ...input.transformations].filter(
    ({ script }) => script.language !== Script_Language.JSON,
  );
  const languages: Record<number, string> = { [Script_Language.SQL]: 'SQL', [Script_Language.TYPESCRIPT]: 'TYPESCRIPT' };
  const pinned = code.map(({ script }) => ({
    scriptId: script.scriptId,
    version: script.version,
    contentHash: script.contentHash,
    language: languages[script.language] ?? '',
    properties: script.properties,
    parameterTypes: script.parameterTypes,
  }));
  return [...new Map(pinned.map((script) => [`${script.scriptId}/${script.version}`, script])).values()];
};

/** The rules of the checks that have a kind of their own. */
const KINDS: Partial<Record<string, MissingKind>> = {
  REQUIREMENT_MISSING: 'REQUIREMENT_MISSING',
  PRIVACY_UNSAID: 'REQUIREMENT_MISSING',
  ROLE_MISSING: 'ROLE_MISSING',
  TARGET_TWICE: 'UPLOAD_INVALID',
  NAME_TOO_LONG: 'UPLOAD_INVALID',
};

/** Checks the tables as the transforms leave them, by the rules of collected ones. What was said of the collected tables is not said again. */
const checkWritten = (state: State, plan: EffectivePlan, report: (pointer: string, rule: string, message: string) => void): void => {
  const known = new Set(state.missing.map(({ description }) => description));
  checkTables(plan.results, (pointer, rule, message) => {
    if (known.has(message)) return;
    // The index is that of a table which no document has, so the subject has its name.
    const [, , place = '', ...rest] = pointer.split('/');
    report(['', 'tables', plan.results[Number(place)]?.name ?? '', ...rest].join('/'), rule, message);
  });
};

const checkResult = (state: State, plan: EffectivePlan): void => {
  const report = (pointer: string, rule: string, message: string): void => {
    lack(state, KINDS[rule] ?? 'RULE_INVALID', pointer.slice(1), message);
  };
  checkTables(plan.tables, report);
  checkRoles(plan.tables, report);
  checkSources(plan.tables, plan.sources, report);
  checkUploads(plan.results, plan.uploads, report);
  if (plan.transforms.length > 0) checkWritten(state, plan, report);
  checkAnonymization({ tables: plan.results, steps: plan.steps, hierarchies: plan.hierarchies, sources: plan.tables }, report);
};

/** Computes what runs of a task do, and everything that a release lacks (but for grants, which are the caller's to look up). */
export const computeEffectivePlan = (input: EffectivePlanInput): { plan: EffectivePlan; missing: Missing[] } => {
  const state: State = { origins: [], missing: [] };
  const tables = input.module.tables.map((table) => ofModule(state, Table.fromPartial(table)));
  (input.fieldRules?.rules ?? []).forEach((rule, index) => applyRule(state, tables, rule, index));
  const sources = collectSources(state, input, tables);
  const { results, transforms } = applyTransforms(state, input, tables);
  for (const [table, requirement] of Object.entries(input.anonymization?.requirements ?? {})) {
    const found = results.find(({ name }) => name === table);
    if (found) raise(state, found, requirement);
    else lack(state, 'RULE_INVALID', `tables/${table}`, `a requirement names a missing table ${table}`);
  }
  const ownSteps = input.module.anonymization?.steps ?? [];
  const taskSteps = input.anonymization?.steps ?? [];
  ownSteps.forEach(({ table }) => mark(state, { table, kind: 'step', origin: Origin.MODULE }));
  taskSteps.forEach(({ table }) => mark(state, { table, kind: 'step', origin: Origin.TASK }));
  refuseStrayUploads(state, input, results);
  const plan = EffectivePlan.fromPartial({
    moduleName: input.module.name,
    description: input.module.description,
    license: input.module.license,
    creator: input.module.creator,
    keywords: input.module.keywords,
    collectedModuleId: input.module.provenance?.moduleId ?? '',
    tables,
    sources,
    transforms,
    results,
    steps: [...ownSteps.toSorted((left, right) => left.rank - right.rank), ...taskSteps.toSorted((left, right) => left.rank - right.rank)],
    hierarchies: [...(input.module.anonymization?.hierarchies ?? []), ...(input.anonymization?.hierarchies ?? [])],
    uploads: chooseUploads(state, input, results),
    origins: state.origins,
    scripts: pin(input),
  });
  checkResult(state, plan);
  return { plan, missing: state.missing };
};

// Map fields have no order of their own in the encoding, so they are sorted before it.
const ordered = (value: unknown): unknown => {
  if (value instanceof Date || value instanceof Uint8Array || typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(ordered);
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([left], [right]) => (left < right ? -1 : 1))
      .map(([key, member]) => [key, ordered(member)]),
  );
};

/** SHA-256, hex, of a plan's bytes; the same for equal plans. */
export const planHash = (plan: EffectivePlan): string =>
  createHash('sha256')
    .update(EffectivePlan.encode(ordered(plan) as EffectivePlan).finish())
    .digest('hex');
