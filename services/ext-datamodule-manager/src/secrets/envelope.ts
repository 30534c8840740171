// Envelope encryption: a data key of its own for each secret version, AES-256-GCM, wrapped by a key that has an id (NIST SP 800-38D).
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import type { SecretKey } from '../config.ts';

/** A sealed secret as it is stored. */
export type Sealed = { keyId: string; wrappedKey: Buffer; ciphertext: Buffer };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

const encrypt = (key: Buffer, plaintext: Buffer, context: string): Buffer => {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
  return Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
};

const decrypt = (key: Buffer, sealed: Buffer, context: string): Buffer => {
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, NONCE_BYTES)).setAAD(Buffer.from(context));
  decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
};

/** Seals a text. `context` binds it to its place: tenant, table, row, version. */
export const seal = (keys: readonly SecretKey[], plaintext: string, context: string): Sealed => {
  const [first] = keys;
  if (!first) throw new Error('no secret key');
  const dataKey = randomBytes(32);
  return {
    keyId: first.id,
    wrappedKey: encrypt(first.key, dataKey, context),
    ciphertext: encrypt(dataKey, Buffer.from(plaintext), context),
  };
};

/** Opens a sealed text; throws where the key is unknown, the context differs, or a bit has changed. */
export const unseal = (keys: readonly SecretKey[], sealed: Sealed, context: string): string => {
  const found = keys.find(({ id }) => id === sealed.keyId);
  if (!found) throw new Error('the key of a secret is not configured');
  return decrypt(decrypt(found.key, sealed.wrappedKey, context), sealed.ciphertext, context).toString();
};

/** Wraps a sealed secret's data key with the first key; the secret itself is not decrypted. */
export const rewrap = (keys: readonly SecretKey[], sealed: Sealed, context: string): Sealed => {
  const [first] = keys;
  const found = keys.find(({ id }) => id === sealed.keyId);
  if (!first || !found) throw new Error('the key of a secret is not configured');
  return { ...sealed, keyId: first.id, wrappedKey: encrypt(first.key, decrypt(found.key, sealed.wrappedKey, context), context) };
};
