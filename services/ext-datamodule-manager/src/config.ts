import type { KeyRing } from '@lethe/db/envelope';
import type { Env } from '@lethe/service/env';

/** ExtDatamoduleManager's settings. */
export type Config = {
  /** Encrypt connection secrets. */
  readonly secretKeys: KeyRing;
};

/** Reads the settings. */
export const readConfig = (env: Env): Config => Object.freeze({ secretKeys: env.keyRing('LETHE_SECRET_KEYS') });
