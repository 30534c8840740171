// What each strategy is checked for, and whether it leaves NULL. A strategy or a rule without a case does not compile.
import { CastPolicy, EmptyStrategy, RangeStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Normalization, Role, Table, type Column } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { messageType } from '@lethe/contracts/registry';
import { ScalarType } from '@bufbuild/protobuf';
import { describe, expect, test } from 'vitest';
import { checkColumn, mayBeEmpty } from './check-column.ts';
import { collector } from './violation.ts';

type ColumnParts = NonNullable<Parameters<typeof Table.fromPartial>[0]['columns']>[number];

/**
 * A rule that is right, those that are refused with the code, and whether the column may hold NULL under the first. `taken` says why a
 * text field may name the column itself (`value`) or one of another datatype (`word`).
 */
type Case = {
  rule: ColumnParts;
  refused: [rule: ColumnParts, code: string][];
  mayBeEmpty: boolean;
  taken?: Partial<Record<'value' | 'word', string>>;
};

const filled: ColumnParts = { empty: { strategy: EmptyStrategy.DROP_RECORD } };
const empty = (strategy: EmptyStrategy, replacement = ''): ColumnParts => ({ empty: { strategy, replacement } });
const cast = (policy: CastPolicy, replacement = ''): ColumnParts => ({ ...filled, cast: { policy, replacement } });
const range = (strategy: RangeStrategy, minExclusive: string): ColumnParts => ({ ...filled, range: { minExclusive, strategy } });
const upTo9 = { range: { maximum: '9', strategy: RangeStrategy.CLAMP } };

const EMPTY: Record<EmptyStrategy, Case> = {
  [EmptyStrategy.UNSPECIFIED]: { rule: {}, refused: [[empty(EmptyStrategy.UNSPECIFIED), 'EMPTY_STRATEGY_MISSING']], mayBeEmpty: true },
  [EmptyStrategy.IGNORE]: {
    rule: empty(EmptyStrategy.IGNORE),
    refused: [[empty(EmptyStrategy.IGNORE, '1'), 'OPTION_UNUSED']],
    mayBeEmpty: true,
  },
  [EmptyStrategy.REPLACE_WITH]: {
    rule: empty(EmptyStrategy.REPLACE_WITH, '1'),
    refused: [
      [empty(EmptyStrategy.REPLACE_WITH, 'x'), 'VALUE_MALFORMED'],
      [{ ...empty(EmptyStrategy.REPLACE_WITH, '10'), ...upTo9 }, 'REPLACEMENT_OUT_OF_RANGE'],
    ],
    mayBeEmpty: false,
  },
  [EmptyStrategy.DROP_RECORD]: { rule: filled, refused: [], mayBeEmpty: false },
};

const CAST: Record<CastPolicy, Case> = {
  [CastPolicy.UNSPECIFIED]: { rule: filled, refused: [[cast(CastPolicy.UNSPECIFIED), 'CAST_POLICY_MISSING']], mayBeEmpty: false },
  [CastPolicy.FAIL]: { rule: cast(CastPolicy.FAIL), refused: [[cast(CastPolicy.FAIL, '1'), 'OPTION_UNUSED']], mayBeEmpty: false },
  [CastPolicy.DROP_RECORD]: { rule: cast(CastPolicy.DROP_RECORD), refused: [], mayBeEmpty: false },
  [CastPolicy.NULL]: { rule: cast(CastPolicy.NULL), refused: [], mayBeEmpty: true },
  [CastPolicy.REPLACE_WITH]: {
    rule: cast(CastPolicy.REPLACE_WITH, '1'),
    refused: [
      [cast(CastPolicy.REPLACE_WITH, 'x'), 'VALUE_MALFORMED'],
      [{ ...cast(CastPolicy.REPLACE_WITH, '10'), ...upTo9 }, 'REPLACEMENT_OUT_OF_RANGE'],
    ],
    mayBeEmpty: false,
  },
};

const ofText = { type: { base: BaseType.STRING } };
const ofDouble = { type: { base: BaseType.DOUBLE } };
const RANGE: Record<RangeStrategy, Case> = {
  [RangeStrategy.UNSPECIFIED]: {
    rule: filled,
    refused: [[range(RangeStrategy.UNSPECIFIED, '1'), 'RANGE_STRATEGY_MISSING']],
    mayBeEmpty: false,
  },
  [RangeStrategy.DROP_RECORD]: {
    rule: range(RangeStrategy.DROP_RECORD, '1'),
    refused: [
      [{ ...filled, range: { strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_EMPTY'],
      [range(RangeStrategy.DROP_RECORD, 'low'), 'VALUE_MALFORMED'],
      [{ ...range(RangeStrategy.DROP_RECORD, 'a'), ...ofText }, 'RANGE_UNORDERED'],
      [{ ...filled, range: { minimum: '1', minExclusive: '0', strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_TWICE'],
      [{ ...filled, range: { minimum: '2', maximum: '1', strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_REVERSED'],
      [{ ...filled, range: { minExclusive: '0', maxExclusive: '1', strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_NOTHING'],
      [{ ...filled, range: { minimum: '1', maxExclusive: '1', strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_NOTHING'],
      [{ ...filled, range: { minExclusive: '9223372036854775807', strategy: RangeStrategy.DROP_RECORD } }, 'RANGE_NOTHING'],
    ],
    mayBeEmpty: false,
  },
  [RangeStrategy.CLAMP]: {
    rule: range(RangeStrategy.CLAMP, '1'),
    refused: [[{ ...range(RangeStrategy.CLAMP, '1'), ...ofDouble }, 'CLAMP_IMPOSSIBLE']],
    mayBeEmpty: false,
  },
};

const tableOf = (rule: ColumnParts): Table =>
  Table.fromPartial({
    name: 't',
    columns: [
      { name: 'value', type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE, ...rule },
      { name: 'person', type: { base: BaseType.INTEGER }, role: Role.IDENTIFYING },
      { name: 'age', type: { base: BaseType.INTEGER }, role: Role.QUASI_IDENTIFYING },
      { name: 'income', type: { base: BaseType.INTEGER }, role: Role.SENSITIVE },
      { name: 'other', type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE },
      { name: 'word', type: { base: BaseType.STRING }, role: Role.INSENSITIVE },
    ],
  });

const codesOf = (table: Table): string[] => {
  const { report, violations } = collector();
  const [column] = table.columns;
  if (column) checkColumn(table, column, '/tables/0/columns/0', report);
  return violations.map(({ rule }) => rule);
};

const named = (names: Record<string, number>, cases: Record<number, Case>): [string, Case][] =>
  Object.entries(names).flatMap(([name, value]) => {
    const found = cases[value];
    return found === undefined ? [] : [[name, found]];
  });

/** The members of a column that say what happens to its values. */
const RULES: Record<
  Exclude<keyof Column, 'name' | 'description' | 'type' | 'role' | 'generalization'>,
  [strategy: string, expected: Case][]
> = {
  normalize: [
    [
      'NFC',
      {
        rule: { ...ofText, normalize: Normalization.NFC },
        refused: [[{ normalize: Normalization.NFC }, 'TEXT_OPTION']],
        mayBeEmpty: true,
      },
    ],
  ],
  emptyIsNull: [['true', { rule: { ...ofText, emptyIsNull: true }, refused: [[{ emptyIsNull: true }, 'TEXT_OPTION']], mayBeEmpty: true }]],
  trim: [['true', { rule: { trim: true }, refused: [], mayBeEmpty: true }]],
  empty: named(EmptyStrategy, EMPTY),
  cast: named(CastPolicy, CAST),
  range: named(RangeStrategy, RANGE),
};

const isRule = (member: string): member is 'empty' | 'cast' | 'range' => member === 'empty' || member === 'cast' || member === 'range';

/** The text fields of a column's rule: each is a value or a column's name, or says nothing under the strategy. */
const textsOf = (member: string): string[] =>
  (messageType('lethe.module.v1.Column').field[member]?.message?.fields ?? [])
    .filter(({ fieldKind, scalar }) => fieldKind === 'scalar' && scalar === ScalarType.STRING)
    .map(({ localName }) => localName);

describe.each(Object.entries(RULES))('%s', (member, cases) => {
  test.each(cases)('%s is taken where its rule is right', (__, { rule }) => {
    expect(codesOf(tableOf(rule))).toEqual([]);
  });

  const refused = cases.flatMap(([name, { refused: wrong }]) => wrong.map(([rule, code]) => [name, code, rule] as const));
  test.each(refused)('%s is refused with %s', (__, code, rule) => {
    expect(codesOf(tableOf(rule))).toEqual([code]);
  });

  // `nowhere` is no column and no value of the type; values of `person`, `age` and `income` must not get into a column of another role.
  const texts = isRule(member)
    ? cases.flatMap(([name, expected]) => textsOf(member).map((text) => [name, text, member, expected] as const))
    : [];
  const codesWith = (text: string, name: string, kind: 'empty' | 'cast' | 'range', { rule }: Case): string[] =>
    codesOf(tableOf({ ...rule, [kind]: { ...rule[kind], [text]: name } }));

  test.each(texts)('%s refuses in `%s` what is no column, a column of another role, and no value', (__, text, kind, expected) => {
    for (const name of ['nowhere', 'person', 'age', 'income'])
      expect([name, codesWith(text, name, kind, expected)]).not.toEqual([name, []]);
  });

  test.each(texts)('%s refuses in `%s` the column itself and a column of another datatype', (__, text, kind, expected) => {
    for (const name of ['value', 'word'] as const) {
      const isTaken = expected.taken?.[name] !== undefined;
      expect([name, codesWith(text, name, kind, expected).length === 0]).toEqual([name, isTaken]);
    }
  });

  test.each(cases)('%s leaves NULL only where it says so', (__, { rule, mayBeEmpty: expected }) => {
    const table = tableOf(rule);
    expect(table.columns.slice(0, 1).map((column) => mayBeEmpty(table, column))).toEqual([expected]);
  });
});
