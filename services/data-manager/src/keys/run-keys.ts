// Keys that never leave DataManager: a run's seed, a module's pseudonym key.
import { KeyMissing, unwrap, wrap, type KeyRing, type Wrapped } from '@lethe/db/envelope';
import { createHmac, randomBytes } from 'node:crypto';
import { stageError } from '../domain/run-error.ts';

/** Makes a key of 32 bytes and wraps it. `place` binds it: `runs/{id}`, `modules/{id}`. */
export const newWrappedKey = (ring: KeyRing, place: string): Wrapped => wrap(ring, randomBytes(32), place);

/** Unwraps a key; fails with KEY_NOT_CONFIGURED where its wrapping key is not in the settings. */
export const openKey = (ring: KeyRing, wrapped: Wrapped, place: string): Buffer => {
  try {
    return unwrap(ring, wrapped, place);
  } catch (error) {
    throw error instanceof KeyMissing ? stageError('KEY_NOT_CONFIGURED', {}, error) : error;
  }
};

/** The one provider of keys and randomness of a run. */
export type RunKeys = { pseudonymKey: (domain: string) => Uint8Array; seed: Uint8Array };

/** Derives the keys of a run: tokens from the module's key, so that they stay the same from version to version; noise from the run's seed. */
export const runKeys = (moduleKey: Buffer, seed: Buffer): RunKeys => ({
  pseudonymKey: (domain) => createHmac('sha256', moduleKey).update(`pseudonym|${domain}`).digest(),
  seed,
});
