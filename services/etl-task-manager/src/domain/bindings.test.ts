import { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { describe, expect, test } from 'vitest';
import { overrideParameters, repeatedRank } from './bindings.ts';

const binding = (table: string, rank: number, parameters: Record<string, string> = {}): ScriptBinding =>
  ScriptBinding.fromPartial({ table, rank, parameters });

describe('a rank that occurs twice', () => {
  test('is found by the index of the second binding', () => {
    expect(repeatedRank([binding('person', 1), binding('person', 2), binding('person', 1)], 'table')).toBe(2);
  });

  test('of different tables is repeated in a task only', () => {
    const bindings = [binding('person', 1), binding('visit', 1)];
    expect([repeatedRank(bindings, 'table'), repeatedRank(bindings, 'task')]).toEqual([undefined, 1]);
  });
});

test('parameters of a run replace those of the bindings that have them', () => {
  const bindings = [binding('person', 1, { lowest: '1' }), binding('visit', 1, { lowest: '2', highest: '9' })];
  expect(overrideParameters(bindings, { lowest: '5', unknown: 'x' })).toEqual(['unknown']);
  expect(bindings.map(({ parameters }) => parameters)).toEqual([{ lowest: '5' }, { lowest: '5', highest: '9' }]);
});
