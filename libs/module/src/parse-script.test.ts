import { EmptyStrategy } from '@lethe/contracts/gen/lethe/module/v1/rules';
import { BaseType, Role } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { parseScriptContent, parseTransformProperties } from './parse-script.ts';

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
