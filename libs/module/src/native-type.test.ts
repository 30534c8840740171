import { BaseType } from '@lethe/contracts/gen/lethe/module/v1/schema';
import { expect, test } from 'vitest';
import { carriesNative, parseNative } from './native-type.ts';

test.each([
  ['smallint', 'smallint', [], false],
  ['Character Varying(20)', 'character varying', [20], false],
  ['numeric(12,2)', 'numeric', [12, 2], false],
  ['timestamp(3) with time zone', 'timestamp with time zone', [3], false],
  ['app.mood', 'app.mood', [], false],
  ['text[]', 'text', [], true],
])('%s is a name of a type', (text, name, parameters, isArray) => {
  expect(parseNative(text)).toEqual({ name, parameters, isArray });
});

test.each(['', 'int; drop table t', 'text default now()', '"Mood"', 'varchar(n)', 'a.b.c', 'int4 --', "text collate 'C'"])(
  '%j is no name of a type',
  (text) => {
    expect(parseNative(text)).toBeUndefined();
  },
);

test.each([
  [BaseType.INTEGER, 'smallint', true],
  [BaseType.STRING, 'smallint', false],
  [BaseType.DECIMAL, 'numeric(8,2)', true],
  [BaseType.STRING, 'interval', true],
  [BaseType.INTEGER, 'integer[]', false],
  [BaseType.STRING, 'integer[]', true],
  [BaseType.JSON, 'jsonb', true],
  [BaseType.DATE, 'app.mood', false],
])('base type %i carries %s: %s', (base, text, carries) => {
  const native = parseNative(text);
  expect(native && carriesNative(base, native)).toBe(carries);
});
