import { AnonymizationPlan } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Origin } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { CastPolicy, EmptyStrategy, KeyConflict } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { Missing_Kind } from '@lethe/contracts/gen/lethe/task/v1/task';
import { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { describe, expect, test } from 'vitest';
import { computeEffectivePlan, type EffectivePlanInput } from './effective-plan.ts';
import type { MissingKind } from './missing.ts';
import {
  SCRIPT,
  kAnonymity,
  generalizeAge,
  moduleOf,
  inputOf,
  rules,
  onAge,
  bound,
  transform,
  tableOf,
  columnOf,
  originOf,
} from '../test/support/census.ts';

describe('what is missing', () => {
  const withTable = (change: (table: Table) => void): Partial<EffectivePlanInput> => {
    const module = moduleOf();
    change(tableOf(module.tables, 'person'));
    return { module };
  };
  const requirement = (table: string, k: number, limit: number): Partial<EffectivePlanInput> => ({
    anonymization: AnonymizationPlan.fromPartial({ requirements: { [table]: kAnonymity(k, limit) } }),
  });
  const cases: [name: string, input: Partial<EffectivePlanInput>, kind: MissingKind, subject: string][] = [
    ['a source of a table', { module: moduleOf({ protocol: {} }) }, 'SCRIPT_MISSING', 'tables/person'],
    [
      'a table for an upload of the module',
      { module: moduleOf({ upload: { tables: [...(moduleOf().upload?.tables ?? []), { table: 'none', connectionId: 'c' }] } }) },
      'UPLOAD_INVALID',
      'uploads/none',
    ],
    [
      'a table for an upload of the task',
      { uploading: UploadPlan.fromPartial({ tables: [{ table: 'none', connectionId: 'c' }] }) },
      'UPLOAD_INVALID',
      'uploads/none',
    ],
    ['an upload of a table', { module: moduleOf({ upload: {} }) }, 'UPLOAD_MISSING', 'tables/countries'],
    [
      'a requirement of a table with a quasi-identifying column',
      withTable((table) => (table.privacy = undefined)),
      'REQUIREMENT_MISSING',
      'tables/0',
    ],
    [
      'a reason of a table without a requirement',
      {
        module: moduleOf({
          tables: [{ name: 'person', columns: [{ name: 'id', type: { base: BaseType.STRING }, role: Role.INSENSITIVE }] }],
          anonymization: {},
        }),
      },
      'REQUIREMENT_MISSING',
      'tables/0',
    ],
    [
      'a role of a column',
      withTable((table) => Object.assign(table.columns[2] ?? {}, { role: Role.UNSPECIFIED })),
      'ROLE_MISSING',
      'tables/0/columns/2/role',
    ],
    ['a step for an identifying column', { module: moduleOf({ anonymization: { steps: [generalizeAge] } }) }, 'RULE_INVALID', 'tables/0'],
    ['a requirement that is not lowered: a smaller k', requirement('person', 9, 0.04), 'REQUIREMENT_LOWERED', 'tables/person'],
    ['a requirement that is not lowered: more suppression', requirement('person', 10, 0.05), 'REQUIREMENT_LOWERED', 'tables/person'],
    [
      'a requirement that is not lowered: a larger k with more suppression',
      requirement('person', 20, 0.05),
      'REQUIREMENT_LOWERED',
      'tables/person',
    ],
    ['a table that a requirement names', requirement('nowhere', 10, 0), 'RULE_INVALID', 'tables/nowhere'],
    [
      'a table that a rule names',
      rules({ table: 'nowhere', column: 'age', rule: { $case: 'cast', value: { policy: CastPolicy.FAIL } } }),
      'RULE_INVALID',
      'field_rules/rules/0',
    ],
    [
      'a column that a rule names',
      rules({ table: 'person', column: 'nothing', rule: { $case: 'cast', value: { policy: CastPolicy.FAIL } } }),
      'RULE_INVALID',
      'field_rules/rules/0',
    ],
    ['a table that a source names', { extraction: [bound('nowhere', 1)] }, 'RULE_INVALID', 'tables/nowhere'],
    [
      'a value that a rule of the task needs',
      rules(onAge({ $case: 'empty', value: { strategy: EmptyStrategy.REPLACE_WITH, replacement: 'none' } })),
      'RULE_INVALID',
      'tables/0/columns/1/replacement',
    ],
    ['a rank of its own for each source', { extraction: [bound('person', 1), bound('person', 1)] }, 'RULE_INVALID', 'protocol/1/rank'],
    [
      'what a key needs that the task puts in',
      rules({ table: 'person', rule: { $case: 'primaryKey', value: { columns: ['id'], conflict: KeyConflict.SOURCE_PRIORITY } } }),
      'RULE_INVALID',
      'tables/0/withinSource',
    ],
    [
      'a hierarchy that a step names',
      {
        anonymization: AnonymizationPlan.fromPartial({
          steps: [
            {
              table: 'person',
              operation: {
                $case: 'generalize',
                value: { columns: [{ column: 'country', scheme: { $case: 'hierarchy', value: 'h' }, level: 1 }] },
              },
            },
          ],
        }),
      },
      'RULE_INVALID',
      'anonymization/steps/2/generalize/generalized/0',
    ],
    ['the outputs of a transform', { transformations: [transform('person', 1, {})] }, 'RULE_INVALID', `scripts/${SCRIPT}`],
    [
      'a role of an output that no input has',
      { transformations: [transform('person', 1, { outputs: [{ name: 'decade', type: 'string' }] })] },
      'ROLE_MISSING',
      'tables/person/columns/decade',
    ],
    [
      'a role of an output whose input has another type',
      { transformations: [transform('person', 1, { outputs: [{ name: 'age', type: 'string' }] })] },
      'ROLE_MISSING',
      'tables/person/columns/age',
    ],
    [
      'an upload of a table that a transform writes',
      { transformations: [transform('summary', 1, { outputs: [{ name: 'n', type: 'integer', role: 'insensitive' }] })] },
      'UPLOAD_MISSING',
      'tables/summary',
    ],
  ];

  test.each(cases)('is named: %s', (_, changes, kind, subject) => {
    const { missing } = computeEffectivePlan(inputOf(changes));
    expect(missing).toContainEqual({ kind: Missing_Kind[kind], type: kind, subject, description: expect.stringMatching(/\S/) as string });
  });

  test('leaves a requirement as it was that the task would lower', () => {
    const { plan } = computeEffectivePlan(inputOf(requirement('person', 2, 1)));
    expect(tableOf(plan.results, 'person').privacy).toEqual(tableOf(moduleOf().tables, 'person').privacy);
    expect(originOf(plan, 'person', '', 'privacy')).toBe(Origin.MODULE);
  });
});

describe('a transform', () => {
  const outputs = [
    { name: 'id', type: 'string' },
    { name: 'age', type: 'integer' },
    { name: 'decade', type: 'string', role: 'quasi-identifying' },
  ];

  test('writes the declared columns, with declared roles or those of inputs of the same name and type', () => {
    const { plan } = computeEffectivePlan(inputOf({ transformations: [transform('person', 1, { outputs })] }));
    expect(tableOf(plan.results, 'person').columns.map(({ name, role }) => [name, role])).toEqual([
      ['id', Role.IDENTIFYING],
      ['age', Role.QUASI_IDENTIFYING],
      ['decade', Role.QUASI_IDENTIFYING],
    ]);
    expect(tableOf(plan.tables, 'person').columns).toHaveLength(3);
  });

  test('keeps the keys whose columns it still writes, and the requirement', () => {
    const result = tableOf(
      computeEffectivePlan(inputOf({ transformations: [transform('person', 1, { outputs })] })).plan.results,
      'person',
    );
    expect(result.primaryKey?.columns).toEqual(['id']);
    expect(result.foreignKeys).toEqual([]);
    expect(result.privacy).toEqual(tableOf(moduleOf().tables, 'person').privacy);
  });

  test('removes the tables that it drops from the result, not from what is collected', () => {
    const { plan } = computeEffectivePlan(inputOf({ transformations: [transform('person', 1, { outputs, drops: ['countries'] })] }));
    expect(plan.results.map(({ name }) => name)).toEqual(['person']);
    expect(plan.tables.map(({ name }) => name)).toEqual(['person', 'countries']);
    expect(plan.uploads.map(({ table }) => table)).toEqual(['person']);
  });

  test('comes in the order of the ranks, and reads what the one before wrote', () => {
    const first = transform('wide', 1, { outputs: [{ name: 'decade', type: 'string', role: 'sensitive' }] });
    const second = transform('narrow', 2, { outputs: [{ name: 'decade', type: 'string' }] });
    const { plan } = computeEffectivePlan(inputOf({ transformations: [second, first] }));
    expect(plan.transforms.map(({ binding }) => [binding?.table, binding?.script?.version])).toEqual([
      ['wide', 3],
      ['narrow', 3],
    ]);
    expect(columnOf(plan.results, 'narrow', 'decade')?.role).toBe(Role.SENSITIVE);
  });
});
