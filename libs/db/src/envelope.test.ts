import { expect, test } from 'vitest';
import { randomBytes } from 'node:crypto';
import { rewrap, seal, unseal } from './envelope.ts';

const key = (id: string): { id: string; key: Buffer } => ({ id, key: randomBytes(32) });
const flip = (bytes: Buffer, at: number): Buffer => {
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
  return changed;
};

test('a sealed secret opens with its key and in its place only', () => {
  const keys = [key('a')];
  const sealed = seal(keys, 'pass word', 'group/connection/1');
  expect(unseal(keys, sealed, 'group/connection/1')).toBe('pass word');
  expect(() => unseal(keys, sealed, 'group/connection/2')).toThrow();
  expect(() => unseal([key('a')], sealed, 'group/connection/1')).toThrow();
  expect(() => unseal([key('b')], sealed, 'group/connection/1')).toThrow();
});

test('any changed bit is noticed', () => {
  const keys = [key('a')];
  const sealed = seal(keys, 'secret', 'c');
  for (let at = 0; at < sealed.ciphertext.length; at++)
    expect(() => unseal(keys, { ...sealed, ciphertext: flip(sealed.ciphertext, at) }, 'c')).toThrow();
  for (let at = 0; at < sealed.wrappedKey.length; at++)
    expect(() => unseal(keys, { ...sealed, wrappedKey: flip(sealed.wrappedKey, at) }, 'c')).toThrow();
});

test('rotation wraps the data key anew and leaves the ciphertext alone', () => {
  const [old, fresh] = [key('old'), key('new')];
  const sealed = seal([old], 'secret', 'c');
  const rotated = rewrap([fresh, old], sealed, 'c');
  expect(rotated.ciphertext).toEqual(sealed.ciphertext);
  expect(unseal([fresh], rotated, 'c')).toBe('secret');
});
