// Envelope encryption of what is stored: AES-256-GCM (NIST SP 800-38D) by keys that have an id, so that they can be rotated.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** A key of 32 bytes. */
export type SecretKey = { id: string; key: Buffer };

/** Keys of a setting: the first encrypts, the others still decrypt. */
export type KeyRing = readonly SecretKey[];

/** What a key of the ring has encrypted: nonce, ciphertext, tag. */
export type Wrapped = { keyId: string; bytes: Buffer };

/** A sealed text: its own data key, wrapped, and the ciphertext. */
export type Sealed = { keyId: string; wrappedKey: Buffer; ciphertext: Buffer };

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** The ring has no key, or not the one that is wanted. */
export class KeyMissing extends Error {
  constructor() {
    super('the key that encrypts a stored secret is not configured');
    this.name = 'KeyMissing';
  }
}

const firstOf = ([first]: KeyRing): SecretKey => {
  if (!first) throw new KeyMissing();
  return first;
};

const keyOf = (ring: KeyRing, id: string): Buffer => {
  const found = ring.find((candidate) => candidate.id === id);
  if (!found) throw new KeyMissing();
  return found.key;
};

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

/** Encrypts bytes with the first key. `context` binds them to their place: `runs/{id}`. */
export const wrap = (ring: KeyRing, plaintext: Buffer, context: string): Wrapped => {
  const { id, key } = firstOf(ring);
  return { keyId: id, bytes: encrypt(key, plaintext, context) };
};

/** Decrypts bytes; throws KeyMissing, or an error of the cipher where the context differs or a bit has changed. */
export const unwrap = (ring: KeyRing, wrapped: Wrapped, context: string): Buffer =>
  decrypt(keyOf(ring, wrapped.keyId), wrapped.bytes, context);

/** Seals a text with a data key of its own. `context` binds it to its place: tenant, table, row, version. */
export const seal = (ring: KeyRing, plaintext: string, context: string): Sealed => {
  const dataKey = randomBytes(32);
  const { keyId, bytes } = wrap(ring, dataKey, context);
  return { keyId, wrappedKey: bytes, ciphertext: encrypt(dataKey, Buffer.from(plaintext), context) };
};

/** Opens a sealed text; throws where the key is unknown, the context differs, or a bit has changed. */
export const unseal = (ring: KeyRing, { keyId, wrappedKey, ciphertext }: Sealed, context: string): string =>
  decrypt(unwrap(ring, { keyId, bytes: wrappedKey }, context), ciphertext, context).toString();

/** Wraps a sealed text's data key with the first key; the text itself is not decrypted. */
export const rewrap = (ring: KeyRing, sealed: Sealed, context: string): Sealed => {
  const { keyId, bytes } = wrap(ring, unwrap(ring, { keyId: sealed.keyId, bytes: sealed.wrappedKey }, context), context);
  return { ...sealed, keyId, wrappedKey: bytes };
};
