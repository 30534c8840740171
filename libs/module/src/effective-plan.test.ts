import { AnonymizationPlan, SuppressScope } from '@lethe/contracts/gen/lethe/module/v1/anonymization';
import { Origin } from '@lethe/contracts/gen/lethe/module/v1/plan';
import {
  CastPolicy,
  EmptyRule,
  ForeignKeyRule,
  PrimaryKeyRule,
  RangeRule,
  EmptyStrategy,
  KeyConflict,
  NullReference,
  RangeStrategy,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { UploadPlan } from '@lethe/contracts/gen/lethe/module/v1/upload';
import { Script_Language } from '@lethe/contracts/gen/lethe/script/v1/script';
import { describe, expect, test } from 'vitest';
import { computeEffectivePlan, planHash, type EffectivePlanInput } from './effective-plan.ts';
import {
  SOURCE,
  TARGET,
  kAnonymity,
  tokens,
  inputOf,
  rules,
  onAge,
  bound,
  tableOf,
  columnOf,
  originOf,
  type Plan,
} from '../test/support/census.ts';

test('a module with a rule, a source, an upload and a guarantee for each table lacks nothing', () => {
  expect(computeEffectivePlan(inputOf()).missing).toEqual([]);
});

describe('the rule of a column or a table', () => {
  const replace = EmptyRule.fromPartial({ strategy: EmptyStrategy.REPLACE_WITH, replacement: '30' });
  const reference = ForeignKeyRule.fromPartial({
    columns: ['country'],
    referencedTable: 'countries',
    referencedColumns: ['name'],
    nullReference: NullReference.DROP,
  });
  const key = PrimaryKeyRule.fromPartial({ columns: ['id'], conflict: KeyConflict.SOURCE_PRIORITY, withinSource: WithinSource.LAST });
  const cases: [
    name: string,
    input: Partial<EffectivePlanInput>,
    kind: string,
    column: string,
    found: (plan: Plan) => unknown,
    expected: unknown,
    origin: Origin,
  ][] = [
    [
      "empty is the document's",
      {},
      'empty',
      'age',
      (plan) => columnOf(plan.tables, 'person', 'age')?.empty?.strategy,
      EmptyStrategy.IGNORE,
      Origin.MODULE,
    ],
    [
      "empty is the task's where it has one",
      rules(onAge({ $case: 'empty', value: replace })),
      'empty',
      'age',
      (plan) => columnOf(plan.tables, 'person', 'age')?.empty,
      replace,
      Origin.TASK,
    ],
    [
      'cast is Fail where nobody has one',
      {},
      'cast',
      'age',
      (plan) => columnOf(plan.tables, 'person', 'age')?.cast?.policy,
      CastPolicy.FAIL,
      Origin.DEFAULT,
    ],
    [
      "cast is the document's",
      {},
      'cast',
      'country',
      (plan) => columnOf(plan.tables, 'person', 'country')?.cast?.policy,
      CastPolicy.NULL,
      Origin.MODULE,
    ],
    [
      "cast is the task's",
      rules({ table: 'person', column: 'country', rule: { $case: 'cast', value: { policy: CastPolicy.DROP_RECORD } } }),
      'cast',
      'country',
      (plan) => columnOf(plan.tables, 'person', 'country')?.cast?.policy,
      CastPolicy.DROP_RECORD,
      Origin.TASK,
    ],
    [
      "cast stays the document's where the task has a rule of another kind",
      rules({ table: 'person', column: 'country', rule: { $case: 'empty', value: { strategy: EmptyStrategy.IGNORE } } }),
      'cast',
      'country',
      (plan) => columnOf(plan.tables, 'person', 'country')?.cast?.policy,
      CastPolicy.NULL,
      Origin.MODULE,
    ],
    [
      'range is replaced whole, not bound by bound',
      rules(onAge({ $case: 'range', value: { maximum: '85', strategy: RangeStrategy.DROP_RECORD } })),
      'range',
      'age',
      (plan) => columnOf(plan.tables, 'person', 'age')?.range,
      RangeRule.fromPartial({ maximum: '85', strategy: RangeStrategy.DROP_RECORD }),
      Origin.TASK,
    ],
    [
      'range is that of the last of two rules of the task',
      rules(
        onAge({ $case: 'range', value: { maximum: '85', strategy: RangeStrategy.CLAMP } }),
        onAge({ $case: 'range', value: { maximum: '90', strategy: RangeStrategy.CLAMP } }),
      ),
      'range',
      'age',
      (plan) => columnOf(plan.tables, 'person', 'age')?.range?.maximum,
      '90',
      Origin.TASK,
    ],
    [
      "primary key is the document's",
      {},
      'primary_key',
      '',
      (plan) => tableOf(plan.tables, 'person').primaryKey?.conflict,
      KeyConflict.DROP_ALL_CONFLICTING,
      Origin.MODULE,
    ],
    [
      "primary key is the task's",
      rules({ table: 'person', rule: { $case: 'primaryKey', value: key } }),
      'primary_key',
      '',
      (plan) => tableOf(plan.tables, 'person').primaryKey,
      key,
      Origin.TASK,
    ],
    [
      "foreign key of the same columns takes the place of the document's",
      rules({ table: 'person', rule: { $case: 'foreignKey', value: reference } }),
      'foreign_key',
      'country',
      (plan) => tableOf(plan.tables, 'person').foreignKeys,
      [reference],
      Origin.TASK,
    ],
    [
      'foreign key of other columns is added',
      rules({ table: 'person', rule: { $case: 'foreignKey', value: { ...reference, columns: ['id'] } } }),
      'foreign_key',
      'id',
      (plan) => tableOf(plan.tables, 'person').foreignKeys.length,
      2,
      Origin.TASK,
    ],
    [
      "privacy is the document's",
      {},
      'privacy',
      '',
      (plan) => tableOf(plan.results, 'person').privacy?.suppressionLimit,
      0.04,
      Origin.MODULE,
    ],
    [
      "privacy is the task's where it is raised",
      { anonymization: AnonymizationPlan.fromPartial({ requirements: { person: kAnonymity(20, 0.01) } }) },
      'privacy',
      '',
      (plan) => tableOf(plan.results, 'person').privacy?.models[0]?.model?.value.k,
      20,
      Origin.TASK,
    ],
    [
      'privacy may be asked for again as it is',
      { anonymization: AnonymizationPlan.fromPartial({ requirements: { person: kAnonymity(10, 0.04) } }) },
      'privacy',
      '',
      (plan) => tableOf(plan.results, 'person').privacy?.models[0]?.model?.value.k,
      10,
      Origin.TASK,
    ],
    [
      "source is the protocol's",
      {},
      'source',
      '',
      (plan) => plan.sources.map(({ collect }) => collect?.$case),
      ['tableRead', 'tableRead'],
      Origin.MODULE,
    ],
    [
      "source is the task's, in place of every entry of the protocol",
      { extraction: [bound('person', 2), bound('person', 1)] },
      'source',
      '',
      (plan) => plan.sources.map(({ collect }) => (collect?.$case === 'script' ? collect.value.rank : collect?.$case)),
      [1, 2, 'tableRead'],
      Origin.TASK,
    ],
    [
      'source script is pinned in the version that was found',
      { extraction: [bound('person', 1)] },
      'source',
      '',
      (plan) => plan.scripts.map(({ version, language, contentHash }) => [version, language, contentHash]),
      [[3, 'SQL', 'abc']],
      Origin.TASK,
    ],
    [
      'declarative source becomes a read over the connection of its binding',
      {
        extraction: [
          bound('person', 1, {
            language: Script_Language.JSON,
            readKind: 'TableRead',
            read: { connectionId: '', schema: 's', table: 'people', columns: {} },
          }),
        ],
      },
      'source',
      '',
      (plan) => [plan.sources[0]?.collect, plan.scripts],
      [{ $case: 'tableRead', value: { connectionId: SOURCE, schema: 's', table: 'people', columns: {} } }, []],
      Origin.TASK,
    ],
    ["upload is the document's", {}, 'upload', '', (plan) => plan.uploads.map(({ target }) => target), ['', ''], Origin.MODULE],
    [
      "upload is the task's, table by table",
      { uploading: UploadPlan.fromPartial({ tables: [{ table: 'person', connectionId: TARGET, target: 'people' }] }) },
      'upload',
      '',
      (plan) => plan.uploads.map(({ target }) => target),
      ['people', ''],
      Origin.TASK,
    ],
    [
      "steps are the document's by rank, then the task's by rank",
      {
        anonymization: AnonymizationPlan.fromPartial({
          steps: [
            { table: 'person', rank: 9, operation: { $case: 'suppress', value: { scope: SuppressScope.COLUMN, columns: ['country'] } } },
            tokens('person', 1),
          ],
        }),
      },
      'step',
      '',
      (plan) => plan.steps.map(({ rank, operation }) => `${rank} ${operation?.$case ?? ''}`),
      ['1 generalize', '2 pseudonymize', '1 pseudonymize', '9 suppress'],
      Origin.TASK,
    ],
  ];

  test.each(cases)('%s', (_, changes, kind, column, found, expected, origin) => {
    const { plan, missing } = computeEffectivePlan(inputOf(changes));
    expect(found(plan)).toEqual(expected);
    expect(originOf(plan, 'person', column, kind)).toBe(origin);
    expect(missing).toEqual([]);
  });
});

test('equal plans have one hash, whatever the order of their map keys', () => {
  const mapped = (columns: Record<string, string>): EffectivePlanInput =>
    inputOf({ extraction: [bound('person', 1, { readKind: 'TableRead', read: { connectionId: '', schema: '', table: 'p', columns } })] });
  const hashOf = (input: EffectivePlanInput): string => planHash(computeEffectivePlan(input).plan);
  expect(hashOf(mapped({ id: 'a', age: 'b' }))).toBe(hashOf(mapped({ age: 'b', id: 'a' })));
  expect(hashOf(mapped({ id: 'a' }))).not.toBe(hashOf(mapped({ id: 'b' })));
});
