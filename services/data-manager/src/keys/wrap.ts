// Keys that never leave DataManager: a run's seed, a module's pseudonym key; wrapped with AES-256-GCM, bound to their place.
import { createCipheriv, createDecipheriv, createHmac, randomBytes } from 'node:crypto';
import type { WrappingKey } from '../config.ts';
import { invariant } from '../domain/defect.ts';
import { stageError } from '../domain/run-error.ts';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A wrapped key and the id of the key that wraps it. */
export type Wrapped = { keyId: string; bytes: Buffer };

/** Makes a key of 32 bytes and wraps it. `place` binds it: `runs/{id}`, `modules/{id}`. */
export const newWrappedKey = (keys: readonly WrappingKey[], place: string): Wrapped => {
  const [first] = keys;
  invariant(first, 'no wrapping key');
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', first.key, nonce).setAAD(Buffer.from(place));
  return { keyId: first.id, bytes: Buffer.concat([nonce, cipher.update(randomBytes(32)), cipher.final(), cipher.getAuthTag()]) };
};

/** Unwraps a key; throws where the wrapping key is unknown or the place differs. */
export const unwrap = (keys: readonly WrappingKey[], wrapped: Wrapped, place: string): Buffer => {
  const found = keys.find(({ id }) => id === wrapped.keyId);
  if (!found) throw stageError('KEY_NOT_CONFIGURED');
  const decipher = createDecipheriv('aes-256-gcm', found.key, wrapped.bytes.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(place));
  decipher.setAuthTag(wrapped.bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(wrapped.bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
};

/** The one provider of keys and randomness of a run. */
export type RunKeys = { pseudonymKey: (domain: string) => Uint8Array; seed: Uint8Array };

/** Derives the keys of a run: tokens from the module's key, so that they stay the same from version to version; noise from the run's seed. */
export const runKeys = (moduleKey: Buffer, seed: Buffer): RunKeys => ({
  pseudonymKey: (domain) => createHmac('sha256', moduleKey).update(`pseudonym|${domain}`).digest(),
  seed,
});
