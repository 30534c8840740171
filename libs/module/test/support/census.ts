// The inputs of effective plans that the tests of the module library share.
import { type AnonymizationPlan, Metric } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import type { Origin } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import {
  CastPolicy,
  EmptyStrategy,
  FieldRules,
  KeyConflict,
  NullReference,
  RangeStrategy,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Module, Role, type Column, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { UploadMode } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { Script_Language, Script_Type, ScriptVersion_State } from '@lethe/contracts/gen/lethe/script/v1/script';
import type { BoundScript, computeEffectivePlan, EffectivePlanInput } from '../../src/effective-plan.ts';

export const SOURCE = '0192f0c0-0000-7000-8000-000000000001';
export const TARGET = '0192f0c0-0000-7000-8000-000000000002';
export const SCRIPT = '0192f0c0-0000-7000-8000-000000000003';

type ModuleParts = Parameters<typeof Module.fromPartial>[0];
type RuleParts = NonNullable<Parameters<typeof FieldRules.fromPartial>[0]['rules']>[number];
type StepParts = NonNullable<Parameters<typeof AnonymizationPlan.fromPartial>[0]['steps']>[number];

export const kAnonymity = (k: number, suppressionLimit = 0) => ({
  models: [{ model: { $case: 'kAnonymity' as const, value: { k } } }],
  suppressionLimit,
});

export const generalizeAge: StepParts = {
  table: 'person',
  rank: 1,
  operation: {
    $case: 'generalize',
    value: { columns: [{ column: 'age', scheme: { $case: 'intervals', value: { width: '10' } } }], search: { metric: Metric.LOSS } },
  },
};
export const tokens = (table: string, rank: number): StepParts => ({
  table,
  rank,
  operation: { $case: 'pseudonymize', value: { columns: ['id'] } },
});

/** Nothing is missing for a release of this module by itself. */
export const moduleOf = (changes: ModuleParts = {}): Module =>
  Module.fromPartial({
    name: 'census',
    tables: [
      {
        name: 'person',
        columns: [
          { name: 'id', type: { base: BaseType.STRING }, role: Role.IDENTIFYING, empty: { strategy: EmptyStrategy.DROP_RECORD } },
          {
            name: 'age',
            type: { base: BaseType.INTEGER },
            role: Role.QUASI_IDENTIFYING,
            empty: { strategy: EmptyStrategy.IGNORE },
            range: { minimum: '17', strategy: RangeStrategy.CLAMP },
          },
          { name: 'country', type: { base: BaseType.STRING }, role: Role.INSENSITIVE, cast: { policy: CastPolicy.NULL } },
        ],
        primaryKey: { columns: ['id'], conflict: KeyConflict.DROP_ALL_CONFLICTING },
        foreignKeys: [
          { columns: ['country'], referencedTable: 'countries', referencedColumns: ['name'], nullReference: NullReference.KEEP },
        ],
        privacy: kAnonymity(10, 0.04),
      },
      {
        name: 'countries',
        columns: [{ name: 'name', type: { base: BaseType.STRING }, role: Role.INSENSITIVE }],
        privacy: { noneReason: 'no people' },
      },
    ],
    protocol: {
      entries: ['person', 'countries'].map((table) => ({
        table,
        rank: 1,
        collect: { $case: 'tableRead' as const, value: { connectionId: SOURCE, table } },
      })),
    },
    upload: { tables: ['person', 'countries'].map((table) => ({ table, connectionId: TARGET, mode: UploadMode.VERSIONED })) },
    anonymization: { steps: [tokens('person', 2), generalizeAge] },
    ...changes,
  });

export const inputOf = (changes: Partial<EffectivePlanInput> = {}): EffectivePlanInput => ({
  module: moduleOf(),
  fieldRules: undefined,
  anonymization: undefined,
  uploading: undefined,
  extraction: [],
  protocolScripts: [],
  transformations: [],
  ...changes,
});

export const rules = (...of: RuleParts[]): Partial<EffectivePlanInput> => ({ fieldRules: FieldRules.fromPartial({ rules: of }) });
export const onAge = (rule: RuleParts['rule']): RuleParts => ({ table: 'person', column: 'age', ...(rule ? { rule } : {}) });

export const bound = (table: string, rank: number, script: Partial<BoundScript['script']> = {}): BoundScript => ({
  binding: ScriptBinding.fromPartial({ table, rank, script: { scriptId: SCRIPT, version: 0 }, connectionId: SOURCE }),
  script: {
    scriptId: SCRIPT,
    version: 3,
    contentHash: 'abc',
    parameterTypes: {},
    type: Script_Type.EXTRACTION,
    language: Script_Language.SQL,
    state: ScriptVersion_State.RELEASED,
    properties: {},
    ...script,
  },
});
export const transform = (table: string, rank: number, properties: Record<string, unknown>): BoundScript =>
  bound(table, rank, { type: Script_Type.TRANSFORMATION, properties });

export const tableOf = (tables: readonly Table[], name: string): Table => {
  const found = tables.find((table) => table.name === name);
  if (!found) throw new Error(`no table ${name}`);
  return found;
};
export const columnOf = (tables: readonly Table[], table: string, name: string): Column | undefined =>
  tableOf(tables, table).columns.find((column) => column.name === name);

export type Plan = ReturnType<typeof computeEffectivePlan>['plan'];
export const originOf = ({ origins }: Plan, table: string, column: string, kind: string): Origin | undefined =>
  origins.find((origin) => origin.table === table && origin.column === column && origin.kind === kind)?.origin;
