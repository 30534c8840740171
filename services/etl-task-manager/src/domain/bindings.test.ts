import { PinnedScript } from '@lethe/contracts/gen/lethe/module/v1/plan';
import { ScriptBinding } from '@lethe/contracts/gen/lethe/module/v1/protocol';
import { Parameter_Type } from '@lethe/contracts/gen/lethe/script/v1/script';
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
  expect(overrideParameters({ bindings, scripts: [] }, { lowest: '5', unknown: 'x' })).toEqual({ unknown: ['unknown'], ofOtherType: [] });
  expect(bindings.map(({ parameters }) => parameters)).toEqual([{ lowest: '5' }, { lowest: '5', highest: '9' }]);
});

test('parameters of a run are of the type that the script of the binding declares', () => {
  const script = { scriptId: 's', version: 2 };
  const bindings = [{ ...binding('person', 1, { lowest: '1', name: 'a' }), script }];
  const parameterTypes = { lowest: Parameter_Type.INTEGER, name: Parameter_Type.STRING };
  const scripts = [PinnedScript.fromPartial({ ...script, parameterTypes })];
  const wrong = (given: Record<string, string>): string[] => overrideParameters({ bindings, scripts }, given).ofOtherType;
  expect([wrong({ lowest: '2', name: '2x' }), wrong({ lowest: '2x' })]).toEqual([[], ['lowest']]);
});
