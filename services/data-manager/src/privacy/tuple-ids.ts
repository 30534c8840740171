/** The pairs (left[i], right[i]) for i < length. All values are from 0 to below the sizes. */
export type Pairs = { left: Int32Array; right: Int32Array; length: number; leftSize: number; rightSize: number };

/** Numbers for distinct pairs: `ids[i]` is the number of pair i, `firsts[id]` the first position where the pair stands. */
export type PairIds = { ids: Int32Array; firsts: Int32Array; count: number };

/** Up to this many slots, a table addressed by the pair itself is cheaper than a hash table. */
const DENSE_SLOTS = 1 << 22;

const growOnDemand = (values: Int32Array, needed: number): Int32Array => {
  if (needed <= values.length) return values;
  const grown = new Int32Array(Math.max(needed, values.length * 2));
  grown.set(values);
  return grown;
};

/** Zero between calls; each call clears the slots that it wrote. */
let denseSlots = new Int32Array(0);

const numberDense = ({ left, right, length, leftSize, rightSize }: Pairs): PairIds => {
  if (denseSlots.length < leftSize * rightSize) denseSlots = new Int32Array(leftSize * rightSize);
  const slots = denseSlots;
  const ids = new Int32Array(length);
  let firsts: Int32Array = new Int32Array(Math.min(length, 1024));
  let count = 0;
  for (let index = 0; index < length; index += 1) {
    const slot = left[index]! * rightSize + right[index]!;
    let id = slots[slot]!;
    if (id === 0) {
      if (count === firsts.length) firsts = growOnDemand(firsts, count + 1);
      firsts[count] = index;
      count += 1;
      id = count;
      slots[slot] = id;
    }
    ids[index] = id - 1;
  }
  for (let id = 0; id < count; id += 1) {
    const first = firsts[id]!;
    slots[left[first]! * rightSize + right[first]!] = 0;
  }
  return { ids, firsts: firsts.slice(0, count), count };
};

const numberHashed = ({ left, right, length }: Pairs): PairIds => {
  const capacity = 2 ** Math.ceil(Math.log2(Math.max(16, length * 2)));
  const mask = capacity - 1;
  const slots = new Int32Array(capacity);
  const ids = new Int32Array(length);
  let firsts: Int32Array = new Int32Array(Math.min(length, 1024));
  let count = 0;
  for (let index = 0; index < length; index += 1) {
    const high = left[index]!;
    const low = right[index]!;
    // Both words are mixed with odd constants of good avalanche, so that neighbouring codes do not cluster.
    let slot = Math.imul(high, 0x9e37_79b1) ^ Math.imul(low, 0x85eb_ca6b);
    slot = Math.imul(slot ^ (slot >>> 15), 0xc2b2_ae35);
    slot = (slot ^ (slot >>> 13)) & mask;
    for (;;) {
      const id = slots[slot]!;
      if (id === 0) {
        if (count === firsts.length) firsts = growOnDemand(firsts, count + 1);
        firsts[count] = index;
        count += 1;
        slots[slot] = count;
        ids[index] = count - 1;
        break;
      }
      const first = firsts[id - 1]!;
      if (left[first] === high && right[first] === low) {
        ids[index] = id - 1;
        break;
      }
      slot = (slot + 1) & mask;
    }
  }
  return { ids, firsts: firsts.slice(0, count), count };
};

/** Numbers the distinct pairs in the order of their first occurrence. */
export const numberPairs = (pairs: Pairs): PairIds =>
  pairs.leftSize * pairs.rightSize <= DENSE_SLOTS ? numberDense(pairs) : numberHashed(pairs);

/** Numbers the distinct values of one column by first occurrence. Values are any integers from 0. */
export const numberValues = (values: Int32Array): PairIds => {
  const zeros = new Int32Array(values.length);
  let size = 1;
  for (const value of values) if (value >= size) size = value + 1;
  return numberPairs({ left: values, right: zeros, length: values.length, leftSize: size, rightSize: 1 });
};
