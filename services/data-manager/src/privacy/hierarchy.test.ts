import { describe, expect, it } from 'vitest';
import { dimensionFromRows, encodeTexts, levelBounds, levelMap } from './hierarchy.ts';

const ROWS = [
  ['a1', 'a', '*'],
  ['a2', 'a', '*'],
  ['b1', 'b', '*'],
];

describe('a hierarchy of rows', () => {
  it('becomes codes, sizes and leaves of each level', () => {
    const { dimension, leafCodes } = dimensionFromRows('city', 'places', ROWS);
    expect(dimension.sizes).toEqual([3, 2, 1]);
    expect(dimension.leaves.map((leaves) => [...leaves])).toEqual([[1, 1, 1], [2, 1], [3]]);
    expect([...levelMap(dimension, 1, 2)]).toEqual([0, 0]);
    expect(leafCodes.get('b1')).toBe(2);
  });

  it.each([
    [
      'uneven rows',
      [
        ['a', '*'],
        ['b', 'x', '*'],
      ],
      'Hierarchy places: 1 rows have not 2 levels like the first.',
    ],
    [
      'a leaf twice',
      [
        ['a', '*'],
        ['a', '*'],
      ],
      'Hierarchy places: 1 rows repeat the leaf of another.',
    ],
    [
      'two roots',
      [
        ['a', 'x'],
        ['b', 'y'],
      ],
      'Hierarchy places: the highest level has 2 values; a hierarchy has one root.',
    ],
    ['no level above the leaf', [['a']], 'Hierarchy places: there is no row with two levels.'],
    ['no rows', [], 'Hierarchy places: there is no row with two levels.'],
    [
      'a value with two parents',
      [
        ['a', 'm', 'x', '*'],
        ['b', 'm', 'y', '*'],
      ],
      'Hierarchy places: 1 values of level 1 have more than one parent at level 2.',
    ],
  ])('is refused with %s', (_, rows, message) => {
    expect(() => dimensionFromRows('city', 'places', rows)).toThrow(message);
  });

  it('refuses values without a leaf, naming the column and the count and not the value', () => {
    const text = dimensionFromRows('city', 'places', ROWS);
    expect([...encodeTexts(text, ['b1', 'a1'])]).toEqual([2, 0]);
    expect(() => encodeTexts(text, ['a1', 'secret', 'secret'])).toThrow(
      /^Column city: 2 rows hold a value that the hierarchy does not have\.$/u,
    );
  });

  it('has the fixed level that it is given, if there is one', () => {
    expect(levelBounds('age', 3, undefined)).toEqual({ lowest: 0, highest: 2 });
    expect(levelBounds('age', 3, 1)).toEqual({ lowest: 1, highest: 1 });
    expect(() => levelBounds('age', 3, 3)).toThrow('Column age: level 3 does not exist; the highest is 2.');
  });
});
