// The only place that reads the environment.
import type { KeyRing, SecretKey } from '@lethe/db/envelope';

type Raw = Readonly<Record<string, string | undefined>>;

/** Reads settings from an environment; a missing or malformed one is an error that names it. */
export type Env = {
  text: (name: string, fallback?: string) => string;
  integer: (name: string, fallback: number) => number;
  flag: (name: string) => boolean;
  list: (name: string) => string[];
  /** Keys as `<id>:<32 bytes, base64url>[,…]`, at least one. */
  keyRing: (name: string) => KeyRing;
};

const readList = (text: string): string[] =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

const readKey = (name: string, text: string): SecretKey => {
  const [id, encoded] = text.split(':');
  const key = Buffer.from(encoded ?? '', 'base64url');
  if (!id || key.length !== 32) throw new Error(`The setting ${name} must be <id>:<32 bytes, base64url>[,…]`);
  return { id, key };
};

/** The settings in an environment. */
export const readEnv = (raw: Raw): Env => ({
  text: (name, fallback) => {
    const value = raw[name] ?? fallback;
    if (value === undefined) throw new Error(`The setting ${name} is missing`);
    return value;
  },
  integer: (name, fallback) => {
    const value = raw[name];
    if (value === undefined || value === '') return fallback;
    if (!/^-?\d{1,15}$/.test(value)) throw new Error(`The setting ${name} is not an integer`);
    return Number(value);
  },
  flag: (name) => ['1', 'true', 'yes', 'on'].includes((raw[name] ?? '').toLowerCase()),
  list: (name) => readList(raw[name] ?? ''),
  keyRing: (name) => {
    const ring = readList(raw[name] ?? '').map((text) => readKey(name, text));
    if (ring.length === 0) throw new Error(`The setting ${name} is missing`);
    return ring;
  },
});

/** The settings of this process. */
export const processEnv = (): Env => readEnv(process.env);
