import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numberPairs, numberValues } from './tuple-ids.ts';

describe('numbers for pairs', () => {
  it.each([
    ['addressed', 50, 50],
    ['hashed', 2_000_000_000, 2_000_000_000],
  ])('follow the first occurrence, %s', (_, leftSize, rightSize) => {
    const pairs = fc.array(fc.tuple(fc.nat(49), fc.nat(49)), { maxLength: 300 });
    fc.assert(
      fc.property(pairs, (values) => {
        const known = new Map<string, number>();
        const expected = values.map((pair) => {
          const key = pair.join('|');
          known.set(key, known.get(key) ?? known.size);
          return known.get(key);
        });
        const left = Int32Array.from(values, ([value]) => value);
        const right = Int32Array.from(values, ([, value]) => value);
        const { ids, firsts, count } = numberPairs({ left, right, length: values.length, leftSize, rightSize });
        expect([...ids]).toEqual(expected);
        expect(count).toBe(known.size);
        expect([...firsts].map((first) => ids[first])).toEqual(Array.from({ length: count }, (_, id) => id));
      }),
    );
  });

  it('number the values of one column', () => {
    expect([...numberValues(Int32Array.from([900_000_000, 4, 900_000_000])).ids]).toEqual([0, 1, 0]);
  });
});
