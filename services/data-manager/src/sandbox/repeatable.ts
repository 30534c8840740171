// Time stands still and chance follows the seed, in whatever a script can reach. A script may replace every function of the language: what runs
// after it has begun calls none by a name that it can reach, and gives none of the real ones away.
const { apply, construct } = Reflect;
const upperCase = String.prototype.toUpperCase;
const { floor, imul } = Math;

// mulberry32: small, seeded, good enough where a script wants repeatable randomness.
const seeded = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
};

// The class of the language is reachable from its own prototype; so that has this one.
const fixDate = (nowMs: number): void => {
  const RealDate = Date;
  const now = new RealDate(nowMs).toString();
  const FixedDate = function (this: unknown, ...values: number[]): Date | string {
    const given = values.length === 0 ? [nowMs] : values;
    return new.target ? (construct(RealDate, given, new.target) as Date) : now;
  };
  Object.assign(FixedDate, { parse: RealDate.parse, UTC: RealDate.UTC, now: () => nowMs });
  FixedDate.prototype = RealDate.prototype;
  RealDate.prototype.constructor = FixedDate;
  // The members of the constructor are assigned above, which the type of a function does not say.
  globalThis.Date = FixedDate as unknown as DateConstructor;
};

// Formats without a date are of now.
const fixFormats = (nowMs: number): void => {
  const prototype = Intl.DateTimeFormat.prototype;
  const format = Object.getOwnPropertyDescriptor(prototype, 'format')?.get;
  const { formatToParts } = prototype;
  Object.defineProperty(prototype, 'format', {
    get(this: Intl.DateTimeFormat) {
      const real = apply(format as () => unknown, this, []) as (date: Date | number) => string;
      return (date: Date | number = nowMs) => real(date);
    },
  });
  prototype.formatToParts = function (date: Date | number = nowMs) {
    return apply(formatToParts, this, [date]);
  };
};

const fixRandomness = (random: () => number): void => {
  Math.random = random;
  const fill = <T extends ArrayBufferView>(array: T): T => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at += 1) bytes[at] = floor(random() * 256);
    return array;
  };
  const randomUUID = (): string => {
    const bytes = fill(new Uint8Array(16));
    bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
    const digits = [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
    return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  };
  Object.assign(Crypto.prototype, { getRandomValues: fill, randomUUID });
};

// What is random by definition: keys that are made, and signatures and ciphers that are salted.
const isSalted = (name: string): boolean => name === 'ECDSA' || name === 'RSA-PSS' || name === 'RSA-OAEP';

/** The result would be random. */
class Salted extends TypeError {}

const nameOf = (algorithm: unknown): string => {
  const name = typeof algorithm === 'string' ? algorithm : (algorithm as { name?: string } | undefined)?.name;
  return apply(upperCase, `${name}`, []);
};

const refuseSalted = (method: 'sign' | 'encrypt' | 'wrapKey'): void => {
  const real = SubtleCrypto.prototype[method] as (...values: unknown[]) => Promise<unknown>;
  const at = method === 'wrapKey' ? 3 : 0;
  const checked = async function (this: SubtleCrypto, ...values: unknown[]): Promise<unknown> {
    if (isSalted(nameOf(values[at]))) throw new Salted();
    return apply<SubtleCrypto, unknown[], Promise<unknown>>(real, this, values);
  };
  Object.defineProperty(SubtleCrypto.prototype, method, { value: checked });
};

const fixCrypto = (): void => {
  Reflect.deleteProperty(SubtleCrypto.prototype, 'generateKey');
  refuseSalted('sign');
  refuseSalted('encrypt');
  refuseSalted('wrapKey');
};

// What the web stamps with the time, or names by chance.
const fixStamps = (nowMs: number): void => {
  Object.defineProperty(File.prototype, 'lastModified', { get: () => nowMs });
  Object.defineProperty(Event.prototype, 'timeStamp', { get: () => 0 });
  Reflect.deleteProperty(URL, 'createObjectURL');
  // Blobs and forms have identities that are made by chance.
  for (const { prototype } of [Request, Response]) for (const name of ['blob', 'formData']) Reflect.deleteProperty(prototype, name);
  Object.defineProperty(globalThis, 'performance', { value: Object.freeze({ now: () => 0, timeOrigin: nowMs }), configurable: false });
};

/** The same rows give the same result: what tells the time stands still, and what is random follows the seed or is gone. */
export const makeRepeatable = ({ seed, nowMs }: { seed: number; nowMs: number }): void => {
  fixDate(nowMs);
  fixFormats(nowMs);
  fixRandomness(seeded(seed));
  fixCrypto();
  fixStamps(nowMs);
};
