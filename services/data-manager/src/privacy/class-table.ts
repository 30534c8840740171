// Equivalence classes as typed arrays: codes a dimension, counts, and how they roll up to less specific levels.
import type { Levels } from './hierarchy.ts';

/** One dimension of the classes: codes of labels at each level, and how a level's codes become the next one's. */
export type Dimension = {
  column: string;
  /** `labels[level][code]` */
  labels: (string | null)[][];
  /** `shares[level][code]`: share of the leaves under the label. */
  shares: Float64Array[];
  /** `parents[level][code]` is the code at level + 1. */
  parents: Int32Array[];
  leaves: number;
};

/** Classes: `keys` packs one code a dimension in mixed radix, `counts` rows of each class. */
export type Classes = { keys: Float64Array; counts: Int32Array; size: number };

/** How codes are packed: key = Σ code × stride. */
export type Packing = { strides: number[]; radixes: number[] };

const MAX_KEY = Number.MAX_SAFE_INTEGER;

const encodeLevel = (labels: readonly (string | null)[]): { codes: Int32Array; distinct: (string | null)[]; first: number[] } => {
  const seen = new Map<string | null, number>();
  const first: number[] = [];
  const codes = Int32Array.from(labels, (label, value) => {
    const known = seen.get(label);
    if (known !== undefined) return known;
    seen.set(label, seen.size);
    first.push(value);
    return seen.size - 1;
  });
  return { codes, distinct: [...seen.keys()], first };
};

/** Encodes a column's levels; the codes of level 0 are those of the distinct values. */
export const toDimension = ({ column, labels, shares, leaves }: Levels): Dimension => {
  const encoded = labels.map((level, index) =>
    index === 0 ? { codes: Int32Array.from(level.keys()), distinct: [...level], first: [...level.keys()] } : encodeLevel(level),
  );
  const parents = encoded.slice(1).map(({ codes }, index) => Int32Array.from(encoded[index]?.first ?? [], (value) => codes[value] ?? 0));
  return {
    column,
    leaves,
    labels: encoded.map(({ distinct }) => distinct),
    shares: encoded.map(({ first }, level) => Float64Array.from(first, (value) => shares[level]?.[value] ?? 1)),
    parents,
  };
};

/** Packs dimensions; throws where their product is beyond what a number holds exactly. */
export const packingOf = (dimensions: readonly Dimension[]): Packing => {
  const radixes = dimensions.map(({ labels }) => Math.max(1, labels[0]?.length ?? 1));
  const strides: number[] = [];
  let product = 1;
  for (const radix of radixes.toReversed()) {
    strides.unshift(product);
    product *= radix;
  }
  if (product > MAX_KEY) throw new RangeError('the quasi-identifying columns have more combinations of values than the search can number');
  return { strides, radixes };
};

const hashSize = (count: number): number => {
  let size = 16;
  while (size < count * 2) size *= 2;
  return size;
};

/** Adds up rows of equal keys. */
export const groupByKey = (keys: Float64Array, counts: Int32Array, size: number): Classes => {
  const capacity = hashSize(size);
  const slots = new Int32Array(capacity).fill(-1);
  const outKeys = new Float64Array(size);
  const outCounts = new Int32Array(size);
  let found = 0;
  for (let row = 0; row < size; row++) {
    const key = keys[row] as number;
    // Fibonacci hashing of the key's two halves.
    let slot = (Math.imul((key % 4294967296) | 0, 0x9e3779b1) ^ Math.imul((key / 4294967296) | 0, 0x85ebca6b)) >>> 0;
    slot = (slot ^ (slot >>> 15)) & (capacity - 1);
    for (;;) {
      const at = slots[slot] as number;
      if (at < 0) {
        slots[slot] = found;
        outKeys[found] = key;
        outCounts[found] = counts[row] as number;
        found += 1;
        break;
      }
      if (outKeys[at] === key) {
        outCounts[at] = (outCounts[at] as number) + (counts[row] as number);
        break;
      }
      slot = (slot + 1) & (capacity - 1);
    }
  }
  return { keys: outKeys.slice(0, found), counts: outCounts.slice(0, found), size: found };
};

/** The classes of level 0 from one array of codes a dimension. */
export const baseClasses = (packing: Packing, codes: readonly Int32Array[], counts: Int32Array): Classes => {
  const keys = new Float64Array(counts.length);
  codes.forEach((column, index) => {
    const stride = packing.strides[index] ?? 1;
    for (let row = 0; row < keys.length; row++) keys[row] = (keys[row] as number) + (column[row] as number) * stride;
  });
  return groupByKey(keys, counts, counts.length);
};

/** The code of a dimension in a key. */
export const codeOf = (key: number, packing: Packing, index: number): number =>
  Math.floor(key / (packing.strides[index] ?? 1)) % (packing.radixes[index] ?? 1);

/** The classes one level up in one dimension. */
export const rollUp = (classes: Classes, packing: Packing, dimensions: readonly Dimension[], index: number, fromLevel: number): Classes => {
  const parents = dimensions[index]?.parents[fromLevel];
  if (!parents) throw new RangeError('there is no higher level');
  const [stride, radix] = [packing.strides[index] ?? 1, packing.radixes[index] ?? 1];
  const keys = new Float64Array(classes.size);
  for (let row = 0; row < classes.size; row++) {
    const key = classes.keys[row] as number;
    const code = Math.floor(key / stride) % radix;
    keys[row] = key + ((parents[code] as number) - code) * stride;
  }
  return groupByKey(keys, classes.counts, classes.size);
};
