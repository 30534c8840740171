import { EffectivePlan } from '@lethe/contracts/gen/lethe/module/v1/plan';
import {
  CastPolicy,
  EmptyStrategy,
  KeyConflict,
  NullReference,
  RangeStrategy,
  WithinSource,
} from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role, type Table } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { describe, expect, it } from 'vitest';
import { checkPlan } from './check-module.ts';
import { generatedKeyColumn } from './key-plan.ts';

type PlanParts = Parameters<typeof EffectivePlan.fromPartial>[0];
type TableParts = NonNullable<PlanParts['tables']>[number];
type ColumnParts = NonNullable<TableParts['columns']>[number];

const integer = (name: string, rest: ColumnParts = {}): ColumnParts => ({ name, type: { base: BaseType.INTEGER }, ...rest });
const text = (name: string, rest: ColumnParts = {}): ColumnParts => ({ name, type: { base: BaseType.STRING }, ...rest });
const filled: ColumnParts = { empty: { strategy: EmptyStrategy.DROP_RECORD } };

const problems = (tables: TableParts[], rest: PlanParts = {}): string[] =>
  checkPlan(EffectivePlan.fromPartial({ tables, ...rest })).map(({ pointer, rule, message }) => `${pointer} ${rule}: ${message}`);

const priority = { columns: ['id'], conflict: KeyConflict.SOURCE_PRIORITY, withinSource: WithinSource.FIRST };
const generate = { columns: ['id'], conflict: KeyConflict.GENERATE_KEYS };
const reference = (
  columns: string[],
  referencedTable: string,
  referencedColumns: string[],
  nullReference: NullReference = NullReference.KEEP,
) => ({
  columns,
  referencedTable,
  referencedColumns,
  nullReference,
});

describe('a plan that can be run', () => {
  it('has no problems', () => {
    const tables = [
      {
        name: 'a',
        columns: [integer('id'), integer('b', { range: { minimum: '1', strategy: RangeStrategy.CLAMP } })],
        primaryKey: priority,
      },
      {
        name: 'b',
        columns: [integer('id'), integer('a', filled)],
        primaryKey: generate,
        foreignKeys: [reference(['a'], 'a', ['id'], NullReference.UNSPECIFIED)],
      },
    ];
    expect(
      problems(tables, {
        sources: [
          { table: 'a', rank: 1 },
          { table: 'a', rank: 2 },
        ],
      }),
    ).toEqual([]);
  });
});

describe('a plan that cannot be run', () => {
  const decimal = (precision: number, scale: number): ColumnParts => ({ name: 'x', type: { base: BaseType.DECIMAL, precision, scale } });
  const ranged = (base: BaseType, range: ColumnParts['range']): TableParts[] => [
    { name: 't', columns: [{ name: 'x', type: { base }, range }] },
  ];
  const keyed = (primaryKey: TableParts['primaryKey']): TableParts[] => [{ name: 't', columns: [integer('id')], primaryKey }];
  const referring = (foreignKey: ReturnType<typeof reference>, rest: TableParts = {}): TableParts[] => [
    { name: 't', columns: [integer('id'), integer('ref'), text('word')], foreignKeys: [foreignKey], ...rest },
    { name: 'target', columns: [integer('id'), text('word')] },
  ];

  const cases: [string, TableParts[], string][] = [
    [
      'two tables of one name',
      [
        { name: 't', columns: [integer('a')] },
        { name: 'T', columns: [integer('a')] },
      ],
      '/tables/1/name NAME_TWICE: the table T occurs twice',
    ],
    [
      'a name that begins with an underscore',
      [{ name: '_keys_t', columns: [integer('a')] }],
      '/tables/0/name NAME_MALFORMED: a name is a letter',
    ],
    [
      'two columns that differ in case',
      [{ name: 't', columns: [integer('a'), integer('A')] }],
      '/tables/0/columns/1/name NAME_TWICE: the column A of table t occurs twice',
    ],
    ['a column row_id', [{ name: 't', columns: [integer('Row_Id')] }], 'NAME_RESERVED: the column name Row_Id of table t is taken'],
    [
      'a column without a type',
      [{ name: 't', columns: [{ name: 'x' }] }],
      '/tables/0/columns/0/datatype TYPE_MISSING: the column x of table t has no datatype',
    ],
    ['a decimal of 39 digits', [{ name: 't', columns: [decimal(39, 2)] }], 'DIGITS_IMPOSSIBLE'],
    ['a decimal with more digits after the point than in all', [{ name: 't', columns: [decimal(2, 3)] }], 'SCALE_TOO_LARGE'],
    [
      'an empty rule without a strategy',
      [{ name: 't', columns: [integer('x', { empty: {} })] }],
      '/tables/0/columns/0/emptyStrategy EMPTY_STRATEGY_MISSING: the strategy for empty values of the column x of table t',
    ],
    [
      'a cast rule without a policy',
      [{ name: 't', columns: [integer('x', { cast: { policy: CastPolicy.UNSPECIFIED } })] }],
      '/tables/0/columns/0/castPolicy CAST_POLICY_MISSING: the policy for unreadable values of the column x of table t',
    ],
    [
      'a range without a strategy',
      ranged(BaseType.INTEGER, { minimum: '1' }),
      'RANGE_STRATEGY_MISSING: a bound of the column x of table t',
    ],
    [
      'a range without a bound',
      ranged(BaseType.INTEGER, { strategy: RangeStrategy.CLAMP }),
      'RANGE_EMPTY: the range strategy of the column x of table t',
    ],
    [
      'a range of bytes',
      ranged(BaseType.BINARY, { minimum: '00', strategy: RangeStrategy.CLAMP }),
      'RANGE_UNORDERED: the range of the column x of table t',
    ],
    [
      'a clamp at an exclusive bound of a double',
      ranged(BaseType.DOUBLE, { minExclusive: '0', strategy: RangeStrategy.CLAMP }),
      'CLAMP_IMPOSSIBLE: an exclusive bound of the column x of table t',
    ],
    [
      'a key of a column that there is not',
      keyed({ ...priority, columns: ['no'] }),
      '/tables/0/primaryKey COLUMN_UNKNOWN: the table t has no column no',
    ],
    ['a key of no columns', keyed({ ...priority, columns: [] }), 'KEY_EMPTY: the primary key of table t has no columns'],
    ['a key without a rule for conflicts', keyed({ columns: ['id'] }), 'KEY_CONFLICT_MISSING: the primary key of table t'],
    [
      'priorities without a rule within a source',
      keyed({ columns: ['id'], conflict: KeyConflict.SOURCE_PRIORITY }),
      'WITHIN_SOURCE_MISSING: SourcePriority of table t',
    ],
    [
      'generated keys without a column for them',
      [{ name: 't', columns: [{ name: 'id', type: { base: BaseType.DATE } }], primaryKey: generate }],
      'KEY_NOT_GENERABLE: no column of the primary key of table t',
    ],
    [
      'a reference to a table that there is not',
      referring(reference(['ref'], 'none', ['id'])),
      'TABLE_UNKNOWN: a foreign key of table t references a missing table none',
    ],
    ['a reference of unequal length', referring(reference(['ref', 'word'], 'target', ['id'])), 'KEY_LENGTH: a foreign key of table t'],
    [
      'a reference from a column that there is not',
      referring(reference(['no'], 'target', ['id'])),
      'COLUMN_UNKNOWN: the table t has no column no',
    ],
    [
      'a reference to a column that there is not',
      referring(reference(['ref'], 'target', ['no'])),
      'COLUMN_UNKNOWN: the table target has no column no',
    ],
    ['a reference between types', referring(reference(['word'], 'target', ['id'])), 'KEY_TYPES: a foreign key of table t'],
    [
      'a reference that may be empty and does not say what then',
      referring(reference(['ref'], 'target', ['id'], NullReference.UNSPECIFIED)),
      'NULL_REFERENCE_MISSING: a foreign key of table t',
    ],
  ];

  it.each(cases)('says so for %s', (_, tables, message) => {
    expect(problems(tables).join('\n')).toContain(message);
  });

  it('says so for sources of no table, of one rank, and beyond the ranks of a row id', () => {
    const tables = [{ name: 't', columns: [integer('id')] }];
    expect(problems(tables, { sources: [{ table: 'u', rank: 1 }] })).toEqual([
      '/protocol/0/table TABLE_UNKNOWN: a source names a missing table u',
    ]);
    expect(
      problems(tables, {
        sources: [
          { table: 't', rank: 1 },
          { table: 't', rank: 1 },
        ],
      }),
    ).toEqual(['/protocol/1/rank RANK_TWICE: two sources of table t have rank 1']);
    expect(problems(tables, { sources: [{ table: 't', rank: 10_001 }] })[0]).toContain('no rank within 1 to 10000');
    expect(problems(tables, { sources: [{ table: 't', rank: 10_000 }] })).toEqual([]);
  });

  it('says so for columns of a source that its table does not have, that stand twice, and for a key that it lacks', () => {
    const tables = [{ name: 't', columns: [integer('id'), integer('n')], primaryKey: priority }];
    const withColumns = (sourceColumns: string[]): string[] => problems(tables, { sources: [{ table: 't', rank: 1, sourceColumns }] });
    expect(withColumns(['id'])).toEqual([]);
    expect(withColumns(['id', 'm'])).toEqual([
      '/protocol/0/sourceColumns COLUMN_UNKNOWN: source 1 of table t names the column m, which the table does not have',
    ]);
    expect(withColumns(['id', 'id'])).toEqual(['/protocol/0/sourceColumns NAME_TWICE: source 1 of table t names a column twice']);
    expect(withColumns(['n'])).toEqual([
      '/protocol/0/sourceColumns KEY_COLUMN_MISSING: source 1 of table t lacks the column id of the primary key',
    ]);
  });

  it('says so for rules that would read a column before it follows generated keys', () => {
    const orders = { name: 'orders', columns: [integer('id')], primaryKey: generate };
    const follows = reference(['order'], 'orders', ['id']);
    const inKey = { name: 'lines', columns: [integer('order')], primaryKey: { ...priority, columns: ['order'] }, foreignKeys: [follows] };
    expect(problems([orders, inKey]).join('\n')).toContain('that key needs GenerateKeys too');
    const twice = { name: 'lines', columns: [integer('order')], foreignKeys: [follows, follows] };
    expect(problems([orders, twice]).join('\n')).toContain('cannot be in a second foreign key');
    const lines = { name: 'lines', columns: [integer('order')], foreignKeys: [follows] };
    const onward = { name: 'notes', columns: [integer('order')], foreignKeys: [reference(['order'], 'lines', ['order'])] };
    expect(problems([orders, lines, onward]).join('\n')).toContain('refer to the table that generates them instead');
  });
});

describe('the generated column', () => {
  const table = (columns: ColumnParts[], key: string[], foreign: string[] = []): Table => {
    const plan = EffectivePlan.fromPartial({
      tables: [
        {
          name: 't',
          columns,
          primaryKey: { columns: key, conflict: KeyConflict.GENERATE_KEYS },
          foreignKeys: foreign.map((name) => reference([name], 't', ['id'])),
        },
      ],
    });
    const [first] = plan.tables;
    if (first === undefined) throw new Error('no table');
    return first;
  };

  it('is the last of the key that can hold a number and is in no foreign key', () => {
    expect(generatedKeyColumn(table([integer('order'), integer('line')], ['order', 'line']))).toBe('line');
    expect(generatedKeyColumn(table([text('id'), integer('order')], ['id', 'order'], ['order']))).toBe('id');
    const ofPeople = [Role.QUASI_IDENTIFYING, Role.SENSITIVE].map((role) =>
      generatedKeyColumn(table([integer('id'), { ...integer('age'), role }], ['id', 'age'])),
    );
    expect(ofPeople).toEqual(['id', 'id']);
    expect(generatedKeyColumn(table([text('id'), { name: 'day', type: { base: BaseType.DATE } }], ['id', 'day']))).toBe('id');
  });
});
