import { EmptyStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { describe, expect, test } from 'vitest';
import { placeOf } from './json-place.ts';
import { parseScriptContent, parseTransformProperties, type ScriptContentKind } from './parse-script.ts';

test('field rules are read from proto JSON', () => {
  const content = '{"rules":[{"table":"person","column":"age","empty":{"strategy":"EMPTY_STRATEGY_DROP_RECORD"}}]}';
  expect(parseScriptContent('FieldRules', content)).toMatchObject({
    message: { rules: [{ rule: { $case: 'empty', value: { strategy: EmptyStrategy.DROP_RECORD } } }] },
  });
});

test('an unknown field is refused with its line and column', () => {
  const result = parseScriptContent('FieldRules', '{\n  "rules": [\n    {"table": "t", "colour": "red"}\n  ]\n}');
  expect(result).toMatchObject({ violations: [{ rule: 'SHAPE', line: 3, column: 20 }] });
});

test('what is not JSON is refused where it ends to be', () => {
  expect(parseScriptContent('UploadPlan', '{"tables": [}')).toMatchObject({ violations: [{ rule: 'SYNTAX', line: 1 }] });
});

test('a read that names a connection in a script is refused', () => {
  const content = '{"tableRead":{"connectionId":"0192f0c0-0000-7000-8000-000000000001","table":"t"}}';
  expect(parseScriptContent('TableRead', content)).toMatchObject({ violations: [{ rule: 'CONNECTION_TWICE' }] });
});

test('a transform declares its outputs by words', () => {
  const properties = {
    outputs: [
      { name: 'a', type: 'integer', role: 'insensitive' },
      { name: 'b', type: { base: 'decimal', decimalDigits: 5, fractionDigits: 2 } },
    ],
    drops: ['t'],
  };
  expect(parseTransformProperties(properties)).toMatchObject({
    outputs: {
      columns: [
        { name: 'a', type: { base: BaseType.INTEGER }, role: Role.INSENSITIVE },
        { name: 'b', type: { base: BaseType.DECIMAL, precision: 5, scale: 2 } },
      ],
      drops: ['t'],
      wholeTable: false,
    },
  });
  expect(parseTransformProperties({})).toMatchObject({ violations: [{ rule: 'OUTPUTS_MISSING' }] });
});

describe('a script of rules is refused when it is saved', () => {
  const rule = (members: object): string => JSON.stringify({ rules: [{ table: 't', ...members }] }, undefined, 2);
  const step = (operation: object): string => JSON.stringify({ steps: [{ table: 't', rank: 1, ...operation }] });
  const CONNECTION = '0192f0c0-0000-7000-8000-000000000001';
  const upload = (...tables: object[]): string =>
    JSON.stringify({ tables: tables.map((table) => ({ connectionId: CONNECTION, ...table })) });

  const cases: [name: string, kind: ScriptContentKind, text: string, pointer: string, rule: string][] = [
    ['an empty rule without a strategy', 'FieldRules', rule({ column: 'a', empty: {} }), '/rules/0/empty/strategy', 'enum.not_in'],
    ['no rules at all', 'FieldRules', '{}', '/rules', 'repeated.min_items'],
    ['a rule without a kind', 'FieldRules', rule({ column: 'a' }), '/rules/0', 'required'],
    [
      'a range without a bound',
      'FieldRules',
      rule({ column: 'a', range: { strategy: 'RANGE_STRATEGY_CLAMP' } }),
      '/rules/0/range',
      'RANGE_EMPTY',
    ],
    [
      'a foreign key of unequal length',
      'FieldRules',
      rule({ foreignKey: { columns: ['a', 'b'], referencedTable: 'u', referencedColumns: ['a'] } }),
      '/rules/0/foreignKey',
      'KEY_LENGTH',
    ],
    [
      'a k of one',
      'AnonymizationPlan',
      '{"requirements":{"t":{"models":[{"kAnonymity":{"k":1}}]}}}',
      '/requirements/t/models/0/kAnonymity/k',
      'int32.gte_lte',
    ],
    ['a step without an operation', 'AnonymizationPlan', step({}), '/steps/0', 'required'],
    [
      'values of a scope that takes none',
      'AnonymizationPlan',
      step({ suppress: { scope: 'SUPPRESS_SCOPE_COLUMN', columns: ['a'], values: ['x'] } }),
      '/steps/0/suppress',
      'VALUES_MISMATCH',
    ],
    [
      'a column without level or search',
      'AnonymizationPlan',
      step({ generalize: { columns: [{ column: 'a', hierarchy: 'h' }] } }),
      '/steps/0/generalize/columns/0',
      'LEVEL_MISSING',
    ],
    ['a connection that is no id', 'UploadPlan', '{"tables":[{"table":"t","connectionId":"x"}]}', '/tables/0/connectionId', 'string.uuid'],
    [
      'two tables for one target',
      'UploadPlan',
      upload({ table: 't', target: 'x' }, { table: 'u', target: 'x' }),
      '/tables/1',
      'TARGET_TWICE',
    ],
    ['a read without a table', 'TableRead', '{"tableRead":{"schema":"s"}}', '/tableRead/table', 'string.min_len'],
  ];
  test.each(cases)('%s', (_, kind, text, pointer, rule) => {
    const result = parseScriptContent(kind, text);
    const violations = 'violations' in result ? result.violations : [];
    expect(violations.map((violation) => `${violation.pointer} ${violation.rule}`)).toContain(`${pointer} ${rule}`);
    for (const { line, column } of violations) expect([line, column]).not.toContain(undefined);
  });

  test('with the line and column of the value, or of what it is missing in', () => {
    const text = '{\n  "rules": [\n    {"table": "t", "column": "a",\n     "range": {"strategy": "RANGE_STRATEGY_CLAMP"}}\n  ]\n}';
    expect(parseScriptContent('FieldRules', text)).toMatchObject({ violations: [{ pointer: '/rules/0/range', line: 4, column: 15 }] });
    expect(placeOf('{"a": [1, {"b_c": "x"}]}', '/a/1/bC')).toEqual({ line: 1, column: 19 });
    expect(placeOf('{"a": [1, {"b": "]"}, 2]}', '/a/2')).toEqual({ line: 1, column: 23 });
    expect(placeOf('{"a": {}}', '/a/b/c')).toEqual({ line: 1, column: 7 });
  });
});

test('an output has its digits in its type or beside it; what is none of a decimal, or no number of digits, is refused', () => {
  const beside = { outputs: [{ name: 'a', type: 'decimal', decimalDigits: 12, fractionDigits: 2 }] };
  expect(parseTransformProperties(beside)).toMatchObject({
    outputs: { columns: [{ type: { base: BaseType.DECIMAL, precision: 12, scale: 2 } }] },
  });
  const refused = [
    { type: 'integer', decimalDigits: 5 },
    { type: 'decimal', decimalDigits: 39 },
    { type: { base: 'decimal', fractionDigits: -1 } },
    { type: { base: 'decimal', decimalDigits: '5' } },
  ];
  for (const type of refused)
    expect(parseTransformProperties({ outputs: [{ name: 'a', ...type }] })).toMatchObject({ violations: [{ pointer: '/outputs/0/type' }] });
});
