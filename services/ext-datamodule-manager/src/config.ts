import type { Env } from '@lethe/service/env';

/** Keys that wrap connection secrets: the first encrypts, the others still decrypt. */
export type SecretKey = { id: string; key: Buffer };

/** ExtDatamoduleManager's settings. */
export type Config = { readonly secretKeys: readonly SecretKey[] };

const readKey = (text: string): SecretKey => {
  const [id, encoded] = text.split(':');
  const key = Buffer.from(encoded ?? '', 'base64url');
  if (!id || key.length !== 32) throw new Error('LETHE_SECRET_KEYS must be <id>:<32 bytes, base64url>[,…]');
  return { id, key };
};

/** Reads the settings. */
export const readConfig = (env: Env): Config => {
  const secretKeys = env.list('LETHE_SECRET_KEYS').map(readKey);
  if (secretKeys.length === 0) throw new Error('The setting LETHE_SECRET_KEYS is missing');
  return Object.freeze({ secretKeys });
};
